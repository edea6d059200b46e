# shellcheck shell=bash
# Completion for bash, made by deno task texts from the tables of the program.
_letsencrypt_tiny() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} action="" word
  case $previous in
    -c | --config)
      compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --format)
      mapfile -t COMPREPLY < <(compgen -W "zone nsupdate json" -- "$current")
      return
      ;;
    --jitter)
      :
      return
      ;;
    --days)
      :
      return
      ;;
  esac
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      init | renew | cron | status | plan | recover | tlsa | check | revoke | compromise | permissions) action=$word ;;
    esac
  done
  local words="-c --config -k --hooks -h --help -v --version --debug"
  case $action in
    "") words+=" init renew cron status plan recover tlsa check revoke compromise permissions help" ;;
    init) words+=" --force" ;;
    renew) words+=" --force" ;;
    cron) words+=" --jitter --force" ;;
    status) words+=" --json --metrics" ;;
    plan) words+=" --days --json" ;;
    tlsa) words+=" --format" ;;
    revoke) words+=" --force" ;;
    compromise) words+=" --force" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _letsencrypt_tiny letsencrypt-tiny

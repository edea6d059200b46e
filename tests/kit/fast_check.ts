/** Random input for properties. Named here and not in the configurations, so that the program doesn't depend on it. */
export { default } from "npm:fast-check@^4.10.0";

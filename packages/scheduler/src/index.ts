/** Public face of @coracle/scheduler: Pure scheduling core and its live wiring. */
export {};

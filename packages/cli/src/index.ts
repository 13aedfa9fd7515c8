/** Public face of @coracle/cli: The coracle command. */
export {};

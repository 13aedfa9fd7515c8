/** Public face of @coracle/controllers: Job, garbage collection, namespaces, service accounts, endpoints. */
export {};

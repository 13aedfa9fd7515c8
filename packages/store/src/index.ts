/** Public face of @coracle/store: etcd's semantics on LMDB. */
export * from './store.ts';

import type { resource_v1 } from '@coracle/machinery/api';

export type AllocationResult = resource_v1.AllocationResult;

/**
 * Regenerates everything that comes from the Kubernetes API description:
 *
 *   npm run generate -- --from ../shared/data/kubernetes
 *
 * Only facts are taken over (names, types, keys, formats, enums), never prose.
 */
import { parseArgs } from 'node:util';
import { generateApiTypes } from './api-types.ts';
import { generateKinds } from './kinds.ts';
import { generateProtobuf } from './protobuf.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '../shared/data/kubernetes' },
    'protobuf-api': { type: 'string' },
    'protobuf-machinery': { type: 'string' },
  },
});
await generateApiTypes(values.from);
generateKinds(values.from);
if (values['protobuf-api'] && values['protobuf-machinery']) {
  generateProtobuf(values['protobuf-api'], values['protobuf-machinery']);
}

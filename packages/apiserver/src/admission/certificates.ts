/** Nobody becomes a cluster administrator by a signed certificate. */
import type { certificates_v1 } from '@coracle/machinery/api';
import { clientSigner, parseCertificateRequest } from '../auth/certificate-request.ts';
import type { AdmissionPlugin } from '../contracts.ts';
import { about, refuse } from './common.ts';

export function certificateSubjectRestriction(): AdmissionPlugin {
  return {
    name: 'CertificateSubjectRestriction',
    validate(request) {
      if (
        request.operation !== 'CREATE' ||
        !about(request, 'certificates.k8s.io', 'certificatesigningrequests')
      )
        return;
      const spec = request.object?.['spec'] as certificates_v1.CertificateSigningRequestSpec | undefined;
      if (spec?.signerName !== clientSigner) return;
      const parsed = parseCertificateRequest(Buffer.from(spec.request, 'base64').toString('latin1'));
      if (parsed?.organizations.includes('system:masters'))
        throw refuse(request, `use of ${clientSigner} signer with system:masters group is not allowed`);
    },
  };
}

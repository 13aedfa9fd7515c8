/**
 * A small valid object of every built-in kind that can be created and stored, in its preferred version. Tests that must hold
 * for every kind walk this list; one of them checks that no kind of the registry is missing here.
 */
import type { Unstructured } from '@coracle/machinery';

type Body = Record<string, unknown>;
const labels = { app: 'every-kind' };
const container = { name: 'main', image: 'busybox:1.36', command: ['sleep', '1'] };
const template = { metadata: { labels }, spec: { containers: [container] } };
const selector = { matchLabels: labels };
const cel = (expression: string): Body => ({ cel: { expression } });
const webhook = {
  name: 'check.example.com',
  clientConfig: { url: 'https://127.0.0.1:1/check' },
  rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  failurePolicy: 'Ignore',
};
const policyRules = {
  resourceRules: [
    { apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] },
  ],
};

/** `apiVersion kind`, namespaced or not, and the rest of the object. */
const table: [string, string, 'N' | 'C', Body, string?][] = [
  ['v1', 'ConfigMap', 'N', { data: { key: 'value' } }],
  ['v1', 'Endpoints', 'N', { subsets: [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 80 }] }] }],
  [
    'v1',
    'Event',
    'N',
    {
      involvedObject: { kind: 'Pod', namespace: '@namespace', name: 'p' },
      reason: 'Tested',
      message: 'm',
      type: 'Normal',
    },
  ],
  ['v1', 'LimitRange', 'N', { spec: { limits: [{ type: 'Pod', max: { cpu: '64' } }] } }],
  ['v1', 'Namespace', 'C', {}, 'every-kind-made'],
  ['v1', 'Node', 'C', { spec: { unschedulable: true } }],
  [
    'v1',
    'PersistentVolumeClaim',
    'N',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  ],
  [
    'v1',
    'PersistentVolume',
    'C',
    {
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        hostPath: { path: '/tmp/every-kind' },
      },
    },
  ],
  ['v1', 'Pod', 'N', { spec: { containers: [container], nodeSelector: { nowhere: 'at-all' } } }],
  ['v1', 'PodTemplate', 'N', { template }],
  ['v1', 'ReplicationController', 'N', { spec: { replicas: 0, selector: labels, template } }],
  ['v1', 'ResourceQuota', 'N', { spec: { hard: { 'count/widgets.example.com': '5' } } }],
  ['v1', 'Secret', 'N', { stringData: { key: 'value' } }],
  ['v1', 'ServiceAccount', 'N', {}],
  ['v1', 'Service', 'N', { spec: { selector: labels, ports: [{ port: 80 }] } }],
  [
    'apiregistration.k8s.io/v1',
    'APIService',
    'C',
    {
      spec: {
        group: 'metrics.example.com',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        service: { namespace: 'default', name: 'none' },
        insecureSkipTLSVerify: true,
      },
    },
    'v1.metrics.example.com',
  ],
  ['apps/v1', 'ControllerRevision', 'N', { revision: 1, data: { some: 'state' } }],
  [
    'apps/v1',
    'DaemonSet',
    'N',
    {
      spec: {
        selector,
        template: { ...template, spec: { ...template.spec, nodeSelector: { nowhere: 'at-all' } } },
      },
    },
  ],
  ['apps/v1', 'Deployment', 'N', { spec: { replicas: 0, selector, template } }],
  ['apps/v1', 'ReplicaSet', 'N', { spec: { replicas: 0, selector, template } }],
  ['apps/v1', 'StatefulSet', 'N', { spec: { replicas: 0, serviceName: 'none', selector, template } }],
  [
    'events.k8s.io/v1',
    'Event',
    'N',
    {
      eventTime: '2026-01-01T00:00:00.000000Z',
      action: 'Testing',
      reason: 'Tested',
      type: 'Normal',
      reportingController: 'example.com/test',
      reportingInstance: 'test-1',
      regarding: { kind: 'Pod', namespace: '@namespace', name: 'p' },
    },
    'every-kind-new',
  ],
  [
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    'N',
    { spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' } } },
  ],
  [
    'batch/v1',
    'CronJob',
    'N',
    {
      spec: {
        schedule: '0 0 1 1 *',
        suspend: true,
        jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } } },
      },
    },
  ],
  [
    'batch/v1',
    'Job',
    'N',
    { spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers: [container] } } } },
  ],
  [
    'certificates.k8s.io/v1',
    'CertificateSigningRequest',
    'C',
    { spec: { request: '@csr', signerName: 'example.com/signer', usages: ['client auth'] } },
  ],
  ['certificates.k8s.io/v1beta1', 'ClusterTrustBundle', 'C', { spec: { trustBundle: '@certificate' } }],
  [
    'certificates.k8s.io/v1beta1',
    'PodCertificateRequest',
    'N',
    {
      spec: {
        signerName: 'example.com/signer',
        podName: 'p',
        podUID: 'e9b0a9a6-6a1e-4a0e-8a53-0a5b3d3f0001',
        serviceAccountName: 'default',
        serviceAccountUID: 'e9b0a9a6-6a1e-4a0e-8a53-0a5b3d3f0002',
        nodeName: 'none',
        nodeUID: 'e9b0a9a6-6a1e-4a0e-8a53-0a5b3d3f0003',
        stubPKCS10Request: '@csrDer',
      },
    },
  ],
  ['networking.k8s.io/v1', 'IngressClass', 'C', { spec: { controller: 'example.com/ingress' } }],
  [
    'networking.k8s.io/v1',
    'Ingress',
    'N',
    { spec: { defaultBackend: { service: { name: 'none', port: { number: 80 } } } } },
  ],
  [
    'networking.k8s.io/v1',
    'IPAddress',
    'C',
    { spec: { parentRef: { resource: 'services', namespace: 'default', name: 'none' } } },
    '10.96.77.77',
  ],
  ['networking.k8s.io/v1', 'NetworkPolicy', 'N', { spec: { podSelector: selector } }],
  ['networking.k8s.io/v1', 'ServiceCIDR', 'C', { spec: { cidrs: ['10.99.0.0/24'] } }],
  ['policy/v1', 'PodDisruptionBudget', 'N', { spec: { minAvailable: 1, selector } }],
  [
    'rbac.authorization.k8s.io/v1',
    'ClusterRole',
    'C',
    { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  ],
  [
    'rbac.authorization.k8s.io/v1',
    'ClusterRoleBinding',
    'C',
    { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [] },
  ],
  [
    'rbac.authorization.k8s.io/v1',
    'Role',
    'N',
    { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  ],
  [
    'rbac.authorization.k8s.io/v1',
    'RoleBinding',
    'N',
    { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [] },
  ],
  ['storage.k8s.io/v1', 'CSIDriver', 'C', { spec: {} }, 'csi.example.com'],
  ['storage.k8s.io/v1', 'CSINode', 'C', { spec: { drivers: [] } }],
  ['storage.k8s.io/v1', 'CSIStorageCapacity', 'N', { storageClassName: 'none' }],
  ['storage.k8s.io/v1', 'StorageClass', 'C', { provisioner: 'example.com/none' }],
  [
    'storage.k8s.io/v1',
    'VolumeAttachment',
    'C',
    { spec: { attacher: 'example.com/none', nodeName: 'none', source: { persistentVolumeName: 'none' } } },
  ],
  [
    'storage.k8s.io/v1',
    'VolumeAttributesClass',
    'C',
    { driverName: 'csi.example.com', parameters: { tier: 'fast' } },
  ],
  [
    'admissionregistration.k8s.io/v1',
    'MutatingAdmissionPolicy',
    'C',
    {
      spec: {
        matchConstraints: policyRules,
        failurePolicy: 'Ignore',
        reinvocationPolicy: 'Never',
        mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }],
      },
    },
  ],
  [
    'admissionregistration.k8s.io/v1',
    'MutatingAdmissionPolicyBinding',
    'C',
    { spec: { policyName: 'none' } },
  ],
  ['admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'C', { webhooks: [webhook] }],
  [
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicy',
    'C',
    {
      spec: { matchConstraints: policyRules, failurePolicy: 'Ignore', validations: [{ expression: 'true' }] },
    },
  ],
  [
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicyBinding',
    'C',
    { spec: { policyName: 'none', validationActions: ['Deny'] } },
  ],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'C', { webhooks: [webhook] }],
  [
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    'C',
    {
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    },
    'gadgets.example.com',
  ],
  ['scheduling.k8s.io/v1', 'PriorityClass', 'C', { value: 10 }],
  ['scheduling.k8s.io/v1alpha2', 'PodGroup', 'N', { spec: { schedulingPolicy: { gang: { minCount: 2 } } } }],
  [
    'scheduling.k8s.io/v1alpha2',
    'Workload',
    'N',
    { spec: { podGroupTemplates: [{ name: 'workers', schedulingPolicy: { gang: { minCount: 2 } } }] } },
  ],
  ['coordination.k8s.io/v1', 'Lease', 'N', { spec: { holderIdentity: 'me', leaseDurationSeconds: 15 } }],
  [
    'coordination.k8s.io/v1beta1',
    'LeaseCandidate',
    'N',
    {
      spec: {
        leaseName: 'some-lease',
        binaryVersion: '1.36.0',
        emulationVersion: '1.36.0',
        strategy: 'OldestEmulationVersion',
      },
    },
  ],
  ['node.k8s.io/v1', 'RuntimeClass', 'C', { handler: 'process' }],
  [
    'discovery.k8s.io/v1',
    'EndpointSlice',
    'N',
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.2.3'] }], ports: [{ port: 80 }] },
  ],
  [
    'resource.k8s.io/v1',
    'DeviceClass',
    'C',
    { spec: { selectors: [cel('device.driver == "gpu.example.com"')] } },
  ],
  [
    'resource.k8s.io/v1',
    'ResourceClaim',
    'N',
    { spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] } } },
  ],
  [
    'resource.k8s.io/v1',
    'ResourceClaimTemplate',
    'N',
    {
      spec: {
        spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] } },
      },
    },
  ],
  [
    'resource.k8s.io/v1',
    'ResourceSlice',
    'C',
    {
      spec: {
        driver: 'gpu.example.com',
        nodeName: 'none',
        pool: { name: 'none', generation: 1, resourceSliceCount: 1 },
        devices: [{ name: 'gpu-0' }],
      },
    },
  ],
  [
    'resource.k8s.io/v1beta2',
    'DeviceTaintRule',
    'C',
    {
      spec: { deviceSelector: { driver: 'gpu.example.com' }, taint: { key: 'broken', effect: 'NoSchedule' } },
    },
  ],
  ['resource.k8s.io/v1alpha3', 'ResourcePoolStatusRequest', 'C', { spec: { driver: 'gpu.example.com' } }],
  [
    'flowcontrol.apiserver.k8s.io/v1',
    'FlowSchema',
    'C',
    { spec: { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 1000 } },
  ],
  [
    'flowcontrol.apiserver.k8s.io/v1',
    'PriorityLevelConfiguration',
    'C',
    {
      spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' } } },
    },
  ],
  ['internal.apiserver.k8s.io/v1alpha1', 'StorageVersion', 'C', { spec: {} }, 'example.com.things'],
  [
    'storagemigration.k8s.io/v1beta1',
    'StorageVersionMigration',
    'C',
    { spec: { resource: { group: 'example.com', resource: 'gadgets' } } },
  ],
];

export interface EveryKind {
  object: Unstructured;
  namespaced: boolean;
}
/** Fresh objects, all in one namespace. `fill` gives the values that must be made (a CSR, a certificate). */
export function everyKind(namespace: string, fill: Record<string, string> = {}): EveryKind[] {
  return table.map(([apiVersion, kind, scope, body, name]) => {
    const namespaced = scope === 'N';
    const object = {
      apiVersion,
      kind,
      // Other labels than those that selectors ask for: a ReplicaSet would adopt the Pod, and end it.
      metadata: {
        name: name ?? 'every-kind',
        labels: { from: 'every-kind' },
        ...(namespaced ? { namespace } : {}),
      },
      ...body,
    } as unknown as Unstructured;
    let text = JSON.stringify(object);
    for (const [key, value] of Object.entries({ ...fill, namespace }))
      text = text.replace(`"@${key}"`, JSON.stringify(value));
    return { object: JSON.parse(text) as Unstructured, namespaced };
  });
}

/** The conformance tests that take one kind through every verb; each test carries the conformance test's name. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { testServer, type TestServer } from '../../src/testing.ts';
import { type ApiOperations, apiOperations, newNamespace } from './support.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
  await newNamespace(t, 'conformance');
});
afterAll(() => t.close());

const podTemplate = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'registry.k8s.io/pause:3.10' }] },
};
const selector = { matchLabels: { app: 'web' } };
const condition = {
  type: 'StatusUpdate',
  status: 'True',
  reason: 'E2E',
  message: 'set by a test',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};
const policySpec = {
  failurePolicy: 'Ignore',
  matchConstraints: {
    resourceRules: [
      { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] },
    ],
  },
};
const webhook = {
  name: 'deny.example.com',
  clientConfig: { service: { name: 'hook', namespace: 'conformance', path: '/deny' } },
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const namespaced: [string, Omit<ApiOperations, 'namespace'>][] = [
  [
    'Ingress API',
    {
      group: 'networking.k8s.io',
      version: 'v1',
      resource: 'ingresses',
      kind: 'Ingress',
      body: {
        spec: {
          defaultBackend: { service: { name: 'default-backend', port: { number: 80 } } },
          rules: [
            {
              host: 'foo.bar.com',
              http: {
                paths: [
                  {
                    path: '/',
                    pathType: 'ImplementationSpecific',
                    backend: { service: { name: 'test-backend', port: { number: 80 } } },
                  },
                ],
              },
            },
          ],
        },
      },
      status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } },
    },
  ],
  [
    'EndpointSlice API',
    {
      group: 'discovery.k8s.io',
      version: 'v1',
      resource: 'endpointslices',
      kind: 'EndpointSlice',
      body: { addressType: 'IPv4', endpoints: [{ addresses: ['1.2.3.4', '5.6.7.8'] }] },
    },
  ],
  [
    'CronJob API Operations',
    {
      group: 'batch',
      version: 'v1',
      resource: 'cronjobs',
      kind: 'CronJob',
      body: {
        spec: {
          schedule: '* */1 * * ?',
          concurrencyPolicy: 'Allow',
          jobTemplate: {
            spec: { template: { ...podTemplate, spec: { ...podTemplate.spec, restartPolicy: 'OnFailure' } } },
          },
        },
      },
      status: { lastScheduleTime: '2026-01-01T00:00:00Z' },
    },
  ],
  [
    'Jobs, manage lifecycle',
    {
      group: 'batch',
      version: 'v1',
      resource: 'jobs',
      kind: 'Job',
      body: {
        spec: {
          suspend: true,
          template: { ...podTemplate, spec: { ...podTemplate.spec, restartPolicy: 'Never' } },
        },
      },
      status: { terminating: 0, uncountedTerminatedPods: {} },
    },
  ],
  [
    'ControllerRevision, resource lifecycle',
    {
      group: 'apps',
      version: 'v1',
      resource: 'controllerrevisions',
      kind: 'ControllerRevision',
      body: { data: { spec: { template: podTemplate } }, revision: 2 },
    },
  ],
  [
    'DaemonSet, status sub-resource',
    {
      group: 'apps',
      version: 'v1',
      resource: 'daemonsets',
      kind: 'DaemonSet',
      body: { spec: { selector, template: podTemplate } },
      status: { conditions: [condition] },
    },
  ],
  [
    'Deployment, status sub-resource',
    {
      group: 'apps',
      version: 'v1',
      resource: 'deployments',
      kind: 'Deployment',
      body: { spec: { selector, template: podTemplate } },
      status: { conditions: [condition] },
    },
  ],
  [
    'ReplicaSet, status sub-resource',
    {
      group: 'apps',
      version: 'v1',
      resource: 'replicasets',
      kind: 'ReplicaSet',
      body: { spec: { selector, template: podTemplate } },
      status: { conditions: [condition] },
    },
  ],
  [
    'StatefulSet, status sub-resource',
    {
      group: 'apps',
      version: 'v1',
      resource: 'statefulsets',
      kind: 'StatefulSet',
      body: { spec: { serviceName: 'test', selector, template: podTemplate } },
      status: { conditions: [condition] },
    },
  ],
  [
    'Replication Controller, lifecycle',
    {
      group: '',
      version: 'v1',
      resource: 'replicationcontrollers',
      kind: 'ReplicationController',
      body: { spec: { replicas: 1, selector: { app: 'web' }, template: podTemplate } },
      status: { readyReplicas: 0, availableReplicas: 0 },
    },
  ],
  [
    'PodDisruptionBudget: update and patch status',
    {
      group: 'policy',
      version: 'v1',
      resource: 'poddisruptionbudgets',
      kind: 'PodDisruptionBudget',
      body: { spec: { selector, minAvailable: 1 } },
      status: { disruptedPods: { pod: '2026-01-01T00:00:00Z' } },
    },
  ],
  [
    'ResourceQuota, apply changes to a ResourceQuota status',
    {
      group: '',
      version: 'v1',
      resource: 'resourcequotas',
      kind: 'ResourceQuota',
      body: { spec: { hard: { cpu: '500', memory: '500Gi' } } },
      status: { hard: { cpu: '500', memory: '500Gi' } },
    },
  ],
  [
    'Service, complete ServiceStatus lifecycle',
    {
      group: '',
      version: 'v1',
      resource: 'services',
      kind: 'Service',
      body: { spec: { type: 'LoadBalancer', ports: [{ name: 'http', port: 80, targetPort: 80 }] } },
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.1', ipMode: 'VIP' }] } },
    },
  ],
  [
    'Endpoint resource lifecycle',
    {
      group: '',
      version: 'v1',
      resource: 'endpoints',
      kind: 'Endpoints',
      body: { subsets: [{ addresses: [{ ip: '10.0.0.24' }], ports: [{ name: 'http', port: 80 }] }] },
    },
  ],
  [
    'lease API should be available',
    {
      group: 'coordination.k8s.io',
      version: 'v1',
      resource: 'leases',
      kind: 'Lease',
      body: {
        spec: {
          holderIdentity: 'holder',
          leaseDurationSeconds: 30,
          acquireTime: '2026-01-01T00:00:00.000000Z',
          renewTime: '2026-01-01T00:00:05.000000Z',
          leaseTransitions: 0,
        },
      },
    },
  ],
  [
    'LimitRange, list, patch and delete a LimitRange by collection',
    {
      group: '',
      version: 'v1',
      resource: 'limitranges',
      kind: 'LimitRange',
      body: {
        spec: {
          limits: [
            {
              type: 'Container',
              min: { cpu: '50m', memory: '100Mi' },
              max: { cpu: '500m', memory: '500Mi' },
              default: { cpu: '500m', memory: '500Mi' },
              defaultRequest: { cpu: '100m', memory: '200Mi' },
            },
          ],
        },
      },
    },
  ],
  [
    'PodTemplate lifecycle',
    {
      group: '',
      version: 'v1',
      resource: 'podtemplates',
      kind: 'PodTemplate',
      body: { template: podTemplate },
    },
  ],
  [
    'ConfigMap lifecycle',
    {
      group: '',
      version: 'v1',
      resource: 'configmaps',
      kind: 'ConfigMap',
      body: { data: { valueName: 'value' } },
    },
  ],
  [
    'Secret patching',
    {
      group: '',
      version: 'v1',
      resource: 'secrets',
      kind: 'Secret',
      body: { type: 'Opaque', data: { key: 'dmFsdWU=' } },
    },
  ],
  [
    'ServiceAccount lifecycle test',
    { group: '', version: 'v1', resource: 'serviceaccounts', kind: 'ServiceAccount', body: {} },
  ],
  [
    'HorizontalPodAutoscaler API',
    {
      group: 'autoscaling',
      version: 'v2',
      resource: 'horizontalpodautoscalers',
      kind: 'HorizontalPodAutoscaler',
      body: {
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          minReplicas: 1,
          maxReplicas: 3,
        },
      },
      status: { currentReplicas: 1, desiredReplicas: 2 },
    },
  ],
];

const clusterWide: [string, ApiOperations][] = [
  [
    'IngressClass API',
    {
      group: 'networking.k8s.io',
      version: 'v1',
      resource: 'ingressclasses',
      kind: 'IngressClass',
      body: { spec: { controller: 'example.com/controller' } },
    },
  ],
  [
    'IPAddress API',
    {
      group: 'networking.k8s.io',
      version: 'v1',
      resource: 'ipaddresses',
      kind: 'IPAddress',
      name: (n) => `192.168.1.${n}`,
      body: {
        spec: { parentRef: { group: '', resource: 'services', namespace: 'conformance', name: 'svc' } },
      },
    },
  ],
  [
    'ServiceCIDR API',
    {
      group: 'networking.k8s.io',
      version: 'v1',
      resource: 'servicecidrs',
      kind: 'ServiceCIDR',
      body: { spec: { cidrs: ['10.100.0.0/24'] } },
      status: { conditions: [{ ...condition, type: 'Example' }] },
    },
  ],
  [
    'RuntimeClass API',
    {
      group: 'node.k8s.io',
      version: 'v1',
      resource: 'runtimeclasses',
      kind: 'RuntimeClass',
      body: { handler: 'test-handler' },
    },
  ],
  [
    'Priority and Fairness FlowSchema API',
    {
      group: 'flowcontrol.apiserver.k8s.io',
      version: 'v1',
      resource: 'flowschemas',
      kind: 'FlowSchema',
      body: {
        spec: {
          matchingPrecedence: 10_000,
          priorityLevelConfiguration: { name: 'global-default' },
          distinguisherMethod: { type: 'ByUser' },
          rules: [
            {
              subjects: [{ kind: 'User', user: { name: 'example-e2e-non-existent-user' } }],
              nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
            },
          ],
        },
      },
      status: {
        conditions: [
          {
            type: 'Dangling',
            status: 'False',
            reason: 'E2E',
            message: 'set by a test',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
      },
    },
  ],
  [
    'Priority and Fairness PriorityLevelConfiguration API',
    {
      group: 'flowcontrol.apiserver.k8s.io',
      version: 'v1',
      resource: 'prioritylevelconfigurations',
      kind: 'PriorityLevelConfiguration',
      body: {
        spec: {
          type: 'Limited',
          limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } },
        },
      },
      status: {
        conditions: [
          {
            type: 'Custom',
            status: 'False',
            reason: 'E2E',
            message: 'set by a test',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
      },
    },
  ],
  [
    'ValidatingAdmissionPolicy API',
    {
      group: 'admissionregistration.k8s.io',
      version: 'v1',
      resource: 'validatingadmissionpolicies',
      kind: 'ValidatingAdmissionPolicy',
      body: {
        spec: { ...policySpec, validations: [{ expression: 'object.spec.replicas <= 100' }] },
      },
      status: { conditions: [{ ...condition, observedGeneration: 1 }] },
    },
  ],
  [
    'ValidatingadmissionPolicyBinding API',
    {
      group: 'admissionregistration.k8s.io',
      version: 'v1',
      resource: 'validatingadmissionpolicybindings',
      kind: 'ValidatingAdmissionPolicyBinding',
      body: { spec: { policyName: 'replicalimit-policy.example.com', validationActions: ['Deny'] } },
    },
  ],
  [
    'MutatingAdmissionPolicy API',
    {
      group: 'admissionregistration.k8s.io',
      version: 'v1',
      resource: 'mutatingadmissionpolicies',
      kind: 'MutatingAdmissionPolicy',
      body: {
        spec: {
          ...policySpec,
          reinvocationPolicy: 'Never',
          mutations: [
            {
              patchType: 'ApplyConfiguration',
              applyConfiguration: { expression: 'Object{spec: Object.spec{replicas: 1}}' },
            },
          ],
        },
      },
    },
  ],
  [
    'MutatingAdmissionPolicyBinding API',
    {
      group: 'admissionregistration.k8s.io',
      version: 'v1',
      resource: 'mutatingadmissionpolicybindings',
      kind: 'MutatingAdmissionPolicyBinding',
      body: { spec: { policyName: 'replicalimit-policy.example.com' } },
    },
  ],
  [
    'Admission webhook, list validating webhooks',
    {
      group: 'admissionregistration.k8s.io',
      version: 'v1',
      resource: 'validatingwebhookconfigurations',
      kind: 'ValidatingWebhookConfiguration',
      body: { webhooks: [webhook] },
    },
  ],
  [
    'Admission webhook, list mutating webhooks',
    {
      group: 'admissionregistration.k8s.io',
      version: 'v1',
      resource: 'mutatingwebhookconfigurations',
      kind: 'MutatingWebhookConfiguration',
      body: { webhooks: [webhook] },
    },
  ],
  [
    'Scheduler, Verify PriorityClass endpoints',
    {
      group: 'scheduling.k8s.io',
      version: 'v1',
      resource: 'priorityclasses',
      kind: 'PriorityClass',
      body: { value: 7 },
    },
  ],
  [
    'Node, resource lifecycle',
    {
      group: '',
      version: 'v1',
      resource: 'nodes',
      kind: 'Node',
      body: {},
      status: { phase: 'Running', capacity: { cpu: '500m', memory: '500Mi' } },
    },
  ],
  [
    'PersistentVolumes and its status',
    {
      group: '',
      version: 'v1',
      resource: 'persistentvolumes',
      kind: 'PersistentVolume',
      body: {
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          hostPath: { path: '/tmp' },
        },
      },
      status: { message: 'StatusPatched', reason: 'E2E' },
    },
  ],
  [
    'VolumeAttributesClass and StorageClass lifecycle',
    {
      group: 'storage.k8s.io',
      version: 'v1',
      resource: 'storageclasses',
      kind: 'StorageClass',
      body: { provisioner: 'e2e-fake-provisioner' },
    },
  ],
];

describe('API operations', () => {
  test.each(namespaced)('%s', (_, api) => apiOperations(t, { ...api, namespace: 'conformance' }));
  test.each(clusterWide)('%s', (_, api) => apiOperations(t, api));
});

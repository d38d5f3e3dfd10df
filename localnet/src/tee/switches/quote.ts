import type { ScenePlan } from '../scene.ts'
import type { QuotePlan } from '../tdx.ts'
import { flip, type Switch, type Switches } from './switch.ts'

const quoteOf = (scene: ScenePlan): QuotePlan => scene.machine.tdx.quote
const quote = (rule: string, breaks: (plan: QuotePlan) => unknown, keeps?: (plan: QuotePlan) => unknown): Switch => ({
  rule,
  breaks: (scene) => breaks(quoteOf(scene)),
  ...(keeps ? { keeps: (scene: ScenePlan) => keeps(quoteOf(scene)) } : {}),
})
/** Step 1 of the checklist: the form of a quote. */
export const quoteForm = {
  'quote-version-3': quote('version 4 or 5', (plan) => (plan.version = 3)),
  'quote-version-6': quote('version 4 or 5', (plan) => (plan.version = 6)),
  'quote-key-type': quote('attestation key of type 2', (plan) => (plan.keyType = 3)),
  'quote-tee-type': quote('TEE type 0x81', (plan) => (plan.teeType = 0)),
  'quote-vendor': quote("Intel's quoting enclave", (plan) => flip(plan.qeVendor)),
  'quote-body-type': {
    ...quote('a body of type 2 or 3', (plan) => (plan.bodyType = 1)),
    base: 'tdx-v5',
  },
  'quote-body-length': {
    ...quote('a body as long as its type', (plan) => (plan.bodyLength = 583)),
    base: 'tdx-v5',
  },
  'quote-certification-type': quote('QE report certification data', (plan) => (plan.certificationType = 5)),
  'quote-certificates-type': quote('a PCK chain inside', (plan) => (plan.pckCertificationType = 3)),
  'quote-signature-data-long': quote('exact length of signature data', (plan) => (plan.lengthErrors[0] = 1)),
  'quote-signature-data-short': quote('exact length of signature data', (plan) => (plan.lengthErrors[0] = -1)),
  'quote-certification-data-length': quote('exact certification data', (plan) => (plan.lengthErrors[1] = 1)),
  'quote-certificates-length': quote('exact length of certificates', (plan) => (plan.lengthErrors[2] = -1)),
  'quote-trailing-bytes': quote('no byte after the quote', (plan) => (plan.trailing = new Uint8Array(1))),
  'quote-cut-in-body': quote('a whole body', (plan) => (plan.keep = 300)),
  'quote-cut-in-signature': quote('a whole signature', (plan) => (plan.keep = 700)),
  'quote-empty': quote('a quote', (plan) => (plan.keep = 0)),
  'quote-too-large': quote(
    'at most 32 KiB',
    (plan) => (plan.authData = new Uint8Array(33_000)),
    (plan) => (plan.authData = new Uint8Array(20_000)),
  ),
  'quote-chain-not-ascii': quote(
    'certificates in PEM',
    (plan) => (plan.rewriteChain = (pem) => `${pem}\u00e9`),
    (plan) => (plan.rewriteChain = (pem) => `${pem}\0`),
  ),
  'quote-chain-two-zeros': quote('one terminating zero at most', (plan) => {
    plan.rewriteChain = (pem) => `${pem}\0\0`
  }),
  'quote-chain-text-before': quote(
    'nothing before the certificates',
    (plan) => (plan.rewriteChain = (pem) => `Bag Attributes\n${pem}`),
    (plan) => (plan.rewriteChain = (pem) => `\n${pem}`),
  ),
  'quote-chain-text-between': quote(
    'nothing between the certificates',
    (plan) => (plan.rewriteChain = (pem) => pem.replace('-----\n-----BEGIN', '-----\nsubject\n-----BEGIN')),
    (plan) => (plan.rewriteChain = (pem) => pem.replaceAll('\n', '\r\n')),
  ),
  'quote-chain-no-end': quote('an end to each certificate', (plan) => {
    plan.rewriteChain = (pem) => pem.slice(0, pem.lastIndexOf('-----END'))
  }),
  'quote-chain-base64': quote('base64', (plan) => {
    plan.rewriteChain = (pem) => pem.replace('MII', 'M*I')
  }),
  'quote-chain-empty': quote('certificates', (plan) => (plan.rewriteChain = () => '\n')),
  'quote-chain-too-large': quote('a chain of some size', (plan) => {
    plan.rewriteChain = (pem) => pem + ' '.repeat(30_000)
  }),
} as const satisfies Switches

/** Steps 5 and 6: the quoting enclave and the signature over the quote. */
export const quotingEnclave = {
  'quote-signature': quote('signed by the attestation key', (plan) => (plan.signedBy = 'strangerP256')),
  'attestation-key-not-bound': quote('a key that the quoting enclave vouches for', (plan) => {
    plan.attestationKey = 'strangerP256'
    plan.signedBy = 'strangerP256'
  }),
  'attestation-key-binding-tail': quote('zeros after the binding', (plan) => flip(plan.qe.afterBinding, 31)),
  'qe-report-signature': quote('quoting enclave signed by its PCK', (plan) => (plan.qeSignedBy = 'strangerP256')),
  'qe-debug': quote('a quoting enclave nobody can look into', (plan) => flip(plan.qe.attributes, 0, 2)),
  'qe-signer': quote("Intel's quoting enclave", (plan) => flip(plan.qe.mrSigner)),
  'qe-product': quote('the product that Intel names', (plan) => (plan.qe.productId = 1)),
  'qe-miscselect': quote('MISCSELECT as Intel says', (plan) => flip(plan.qe.miscSelect)),
  'qe-attributes': quote(
    'attributes as Intel says, under the mask',
    (plan) => flip(plan.qe.attributes, 1),
    (plan) => flip(plan.qe.attributes, 8),
  ),
  'qe-no-level': quote('a security version that Intel lists', (plan) => (plan.qe.svn = 1)),
} as const satisfies Switches

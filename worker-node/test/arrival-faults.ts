import {
  type Bytes,
  concat,
  encodeCbor,
  ENCAPSULATION_BYTES,
  type Header,
  jobIdOf,
  networks,
  noVoucher,
  pad,
  PROTOCOL_VERSION,
  requestBucket,
  secureRandom,
  statementDigest,
  type SignedStatement,
  utf8,
  verifyStatement,
  type Wrap,
  wrapContentKey,
} from '@cocoon/protocol'
import type { ArrivedJob } from '../src/admission.ts'
import { chatBody } from './sealed-job.ts'
import { MODEL } from './terms.ts'

/** Everything that can be wrong with a job, in the order in which a node looks. */
export const faults = [
  'length',
  'version',
  'network',
  'unknown statement',
  'expired statement',
  'own limit',
  'job id',
  'seen',
  'model',
  'policy',
  'slot',
  'junk wrap',
  'commit',
  'padding',
] as const
export type Fault = (typeof faults)[number]

/** Bodies above this are too large for the node under test, though not for the protocol. */
export const OWN_LIMIT = 4 * 1024

/** HKDF of the content key, written here again: a job that is wrong inside cannot be made with the protocol's own tools. */
async function derive(contentKey: Bytes, label: string): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', contentKey, 'HKDF', false, ['deriveBits'])
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8(label) }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256))
}

async function encrypt(contentKey: Bytes, header: Bytes, padded: Bytes): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', await derive(contentKey, 'cocoon/1 body'), 'AES-GCM', false, [
    'encrypt',
  ])
  const parameters = { name: 'AES-GCM', iv: new Uint8Array(12), additionalData: header }
  return new Uint8Array(await crypto.subtle.encrypt(parameters, key, padded))
}

/** A job with exactly these faults, for a node that offers `live` and once offered `expired`. */
export async function faultyArrival(
  wrong: ReadonlySet<Fault>,
  live: SignedStatement,
  expired: SignedStatement,
): Promise<ArrivedJob> {
  const contentKey = secureRandom(32)
  const header = encodeCbor({
    version: PROTOCOL_VERSION + (wrong.has('version') ? 1 : 0),
    network: wrong.has('network') ? networks.testnet : networks.localnet,
    model: wrong.has('model') ? 'another-model' : MODEL,
    policy: wrong.has('policy') ? 'private' : 'open',
    commit: await derive(contentKey, 'cocoon/1 commit'),
  } satisfies Header)
  const padded = pad(chatBody(wrong.has('own limit') ? 'x'.repeat(OWN_LIMIT) : 'hello'), requestBucket)
  if (wrong.has('padding')) padded[padded.length - 1] = 1
  const body = await encrypt(contentKey, header, padded)
  const signed = wrong.has('expired statement') ? expired : live
  const known = await statementDigest(signed.body)
  const statement = wrong.has('unknown statement') ? secureRandom(32) : known
  const jobId = wrong.has('job id') ? secureRandom(32) : await jobIdOf(header, body)
  const binding = { jobId, statement, voucher: await noVoucher() }
  const wrapped = wrong.has('commit') ? secureRandom(32) : contentKey
  const prekey = (await verifyStatement(live, networks.localnet)).statement.prekey
  const { wrap } = await wrapContentKey(wrapped, prekey, binding)
  const bodyLength = body.length + (wrong.has('length') ? 1 : 0)
  const job: ArrivedJob['job'] = {
    kind: 'job',
    jobId,
    header,
    bodyLength,
    body: body.slice(0, 100),
    statement,
    wrap: wrong.has('junk wrap') ? junkWrap() : wrap,
    money: ['none'],
  }
  return { job, chunks: [concat(body.subarray(100, 150)), concat(body.subarray(150))] }
}

export function junkWrap(): Wrap {
  return { enc: secureRandom(ENCAPSULATION_BYTES), ciphertext: secureRandom(48) }
}

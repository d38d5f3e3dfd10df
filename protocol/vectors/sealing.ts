import {
  type Bytes,
  concat,
  type ErrorCode,
  hex,
  pad,
  requestBucket,
  sha256,
  signFor,
  uint32,
  utf8,
} from '../src/index.ts'
import { cbor, gcmSeal, hkdf, type Plain } from './by-hand.ts'
import { attempt, bytesFrom, flip, type Job, makeJob, makeNode, network, type Node, readable } from './material.ts'

const none = new Uint8Array(0)

export async function statementVectors() {
  const node = await makeNode('statement node')
  const paid = await makeNode('paid node', { evidence: await bytesFrom('evidence'), payee: 'EQpayee', network: -239 })
  const sign = async (name: string, code: ErrorCode, fields: object) => {
    const body = cbor(fields as Plain)
    return {
      name,
      code,
      network,
      body: hex(body),
      signature: hex(await signFor('cocoon/1 statement', node.signer, body)),
    }
  }
  const { statement, signed } = node
  const [offer] = statement.offers
  const { payee: _, ...withoutPayee } = statement
  const malformed = [
    { ...(await sign('for another network', 'bad-statement', statement)), network: -239 },
    await sign('signed by another key', 'bad-statement', { ...statement, identity: paid.statement.identity }),
    {
      ...(await sign('signature with a bit flipped', 'bad-statement', statement)),
      signature: flip(hex(signed.signature)),
    },
    { ...(await sign('signature cut short', 'bad-statement', statement)), signature: hex(signed.signature).slice(2) },
    {
      ...(await sign('signature for another purpose', 'bad-statement', statement)),
      signature: hex(await signFor('cocoon/1 refusal', node.signer, signed.body)),
    },
    await sign('another version', 'broken-encoding', { ...statement, version: 2 }),
    await sign('dates in reverse', 'broken-encoding', {
      ...statement,
      notBefore: statement.useBy,
      useBy: statement.notBefore,
    }),
    await sign('valid for no time', 'broken-encoding', { ...statement, useBy: statement.notBefore }),
    await sign('valid for too long', 'broken-encoding', { ...statement, useBy: statement.notBefore + 661 }),
    await sign('one model offered twice', 'broken-encoding', { ...statement, offers: [offer, offer] }),
    await sign('nothing offered', 'broken-encoding', { ...statement, offers: [] }),
    await sign('model with a space', 'broken-encoding', { ...statement, offers: [{ ...offer, model: 'a b' }] }),
    await sign('model without a name', 'broken-encoding', { ...statement, offers: [{ ...offer, model: '' }] }),
    await sign('no context', 'broken-encoding', { ...statement, offers: [{ ...offer, context: 0 }] }),
    await sign('negative price', 'broken-encoding', {
      ...statement,
      offers: [{ ...offer, price: { ...offer?.price, prompt: -1 } }],
    }),
    await sign('unknown field', 'broken-encoding', { ...statement, extra: 1 }),
    await sign('unknown field in an offer', 'broken-encoding', { ...statement, offers: [{ ...offer, extra: 1 }] }),
    await sign('missing field', 'broken-encoding', withoutPayee),
    await sign('short prekey', 'broken-encoding', { ...statement, prekey: statement.prekey.slice(1) }),
    await sign('short evidence digest', 'broken-encoding', { ...statement, evidence: new Uint8Array(31) }),
    await sign('requests larger than the protocol', 'broken-encoding', {
      ...statement,
      limits: { request: 8_388_609, seconds: 1 },
    }),
  ]
  return { valid: [node, paid].map(statementVector), malformed }
}

function statementVector(node: Node) {
  return {
    identitySeed: hex(node.identitySeed),
    prekeySeed: hex(node.prekeySeed),
    statement: readable(node.statement) as object,
    network: node.statement.network,
    body: hex(node.signed.body),
    signature: hex(node.signed.signature),
    digest: hex(node.digest),
    nodeId: node.nodeId,
  }
}

export function requestFields(job: Job) {
  return {
    jobId: hex(job.binding.jobId),
    header: hex(job.sealed.header),
    body: hex(job.sealed.body),
    statement: hex(job.binding.statement),
    voucher: hex(job.binding.voucher),
    enc: hex(job.wrap.enc),
    ciphertext: hex(job.wrap.ciphertext),
  }
}

/** A request sealed by hand, with any header and any padded content, properly wrapped: what an insider can make. */
export async function insiderJob(
  label: string,
  node: Node,
  header: { readonly [key: string]: Plain },
  padded: Bytes,
  wrapped?: Bytes,
): Promise<Job> {
  const contentKey = await bytesFrom(`${label} content key`)
  const commit = await hkdf(contentKey, none, 'cocoon/1 commit')
  const encoded = cbor({ version: 1, network, model: 'cocoon/demo', policy: 'open', commit, ...header })
  const body = await gcmSeal(await hkdf(contentKey, none, 'cocoon/1 body'), new Uint8Array(12), encoded, padded)
  const jobId = await sha256(utf8('cocoon/1 job'), uint32(encoded.length), encoded, body)
  const binding = { jobId, statement: node.digest, voucher: await sha256() }
  const sealed = { jobId, header: encoded, body }
  return { sealed, contentKey, ...(await attempt(label, wrapped ?? contentKey, node, binding)) }
}

export async function requestVectors() {
  const node = await makeNode('request node')
  const job = await makeJob('request job', node)
  const other = await makeJob('other job', node, { policy: 'private' })
  const paid = await makeJob('paid job', node, { voucher: await bytesFrom('voucher') })
  const content = utf8('{"messages":[]}')
  const padded = pad(content, requestBucket)
  const dirty = padded.slice()
  dirty[255] = 1
  const a = requestFields(job)
  const b = requestFields(other)
  const insider = async (
    name: string,
    code: ErrorCode,
    header: { [key: string]: Plain },
    body = padded,
    wrapped?: Bytes,
  ) => ({
    name,
    code,
    ...requestFields(await insiderJob(name, node, header, body, wrapped)),
  })
  const malformed = [
    { name: 'body of another job', code: 'wrong-job-id', ...a, body: b.body },
    { name: 'header of another job', code: 'wrong-job-id', ...a, header: b.header },
    { name: 'job id of another job', code: 'wrong-job-id', ...a, jobId: b.jobId },
    { name: 'body with a bit flipped', code: 'wrong-job-id', ...a, body: flip(a.body) },
    { name: 'wrap of another job', code: 'cannot-open', ...a, enc: b.enc, ciphertext: b.ciphertext },
    { name: 'statement of another node', code: 'cannot-open', ...a, statement: hex(await bytesFrom('statement')) },
    { name: 'voucher of another job', code: 'cannot-open', ...a, voucher: hex(paid.binding.voucher) },
    { name: 'voucher left out', code: 'cannot-open', ...requestFields(paid), voucher: a.voucher },
    { name: 'encapsulation with a bit flipped', code: 'cannot-open', ...a, enc: flip(a.enc) },
    { name: 'wrap with a bit flipped', code: 'cannot-open', ...a, ciphertext: flip(a.ciphertext) },
    await insider('another version', 'wrong-version', { version: 2 }),
    await insider('another network', 'wrong-network', { network: -239 }),
    await insider('unknown policy', 'broken-encoding', { policy: 'secret' }),
    await insider('unknown field', 'broken-encoding', { note: 'x' }),
    await insider('short commitment', 'broken-encoding', { commit: new Uint8Array(31) }),
    await insider('model in capitals', 'broken-encoding', { model: 'Cocoon' }),
    await insider('commitment to another key', 'wrong-commit', { commit: other.commit }),
    await insider('another key in the wrap', 'wrong-commit', {}, padded, other.contentKey),
    await insider('padding not zero', 'bad-padding', {}, dirty),
    await insider('bucket too large', 'bad-padding', {}, concat(padded, new Uint8Array(256))),
    await insider('no bucket', 'bad-padding', {}, padded.slice(0, 255)),
    await insider('nothing inside', 'bad-padding', {}, none),
  ] satisfies readonly ({ name: string; code: ErrorCode } & ReturnType<typeof requestFields>)[]
  const valid = [
    { name: 'nothing paid', job },
    { name: 'paid by voucher', job: paid },
    { name: 'private', job: other },
    { name: 'larger than a bucket', job: await makeJob('long job', node, { content: utf8('x'.repeat(300)) }) },
  ].map(({ name, job: one }) => ({
    name,
    contentKey: hex(one.contentKey),
    encapsulationSeed: hex(one.encapsulationSeed),
    commit: hex(one.commit),
    ...requestFields(one),
    responseSecret: hex(one.secret),
    cancelToken: hex(one.cancel),
  }))
  return { network, prekeySeed: hex(node.prekeySeed), prekey: hex(node.prekey.publicKey), valid, malformed }
}

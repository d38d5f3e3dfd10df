import {
  type Bytes,
  cancelToken,
  createPrekey,
  createSigner,
  encodeChunk,
  type Final,
  type Frame,
  fromUtf8,
  type MessageOf,
  networks,
  nodeIdOf,
  noVoucher,
  openRequest,
  type Prekey,
  readHeader,
  ResponseSealer,
  responseSecret,
  secureRandom,
  type SignedStatement,
  type Signer,
  signStatement,
  type Statement,
  statementDigest,
  type WrapBinding,
} from '@cocoon/protocol'

export const MODEL = 'cocoon-test'
export const USAGE = { prompt: 70, cached: 3, completion: 130, reasoning: 2 }
export const DONE: Final = { status: 'done', code: null, finishReason: 'stop', usage: USAGE, receipt: null }
export const PRICE = { prompt: 1_000n, cached: 500n, completion: 4_000n, reasoning: 2_000n }

/** The node's end of the seal, made of the protocol alone: opens what is sealed to it, seals answers. */
export class AnsweringNode {
  readonly signer: Signer
  readonly prekey: Prekey
  readonly statement: Statement
  readonly signed: SignedStatement
  readonly digest: Bytes
  readonly nodeId: string

  private constructor(parts: Pick<AnsweringNode, 'signer' | 'prekey' | 'statement' | 'signed' | 'digest' | 'nodeId'>) {
    this.signer = parts.signer
    this.prekey = parts.prekey
    this.statement = parts.statement
    this.signed = parts.signed
    this.digest = parts.digest
    this.nodeId = parts.nodeId
  }

  static async start(more: Partial<Statement> = {}, by?: Signer): Promise<AnsweringNode> {
    const signer = by ?? (await createSigner())
    const prekey = await createPrekey()
    const statement: Statement = {
      version: 1,
      network: networks.localnet,
      identity: signer.publicKey,
      prekey: prekey.publicKey,
      notBefore: 1_795_000_000,
      useBy: 1_795_000_600,
      evidence: null,
      payee: null,
      offers: [{ model: MODEL, context: 4096, maxOutput: 1024, price: PRICE }],
      limits: { request: 8 * 1024 * 1024, seconds: 60 },
      ...more,
    }
    const signed = await signStatement(statement, signer)
    const [digest, nodeId] = [await statementDigest(signed.body), await nodeIdOf(signer.publicKey)]
    return new AnsweringNode({ signer, prekey, statement, signed, digest, nodeId })
  }

  /** @throws CocoonError when the job is not sealed to this node, or was changed on the way */
  async open(open: MessageOf<'open'>, body: Bytes): Promise<OpenedJob> {
    const header = readHeader(open.header, this.statement.network)
    const binding = { jobId: open.jobId, statement: this.digest, voucher: await noVoucher() }
    const sealed = { header: open.header, body, wrap: open.wrap, commit: header.commit }
    const { content, exporter } = await openRequest(sealed, this.prekey, binding)
    const sealer = ResponseSealer.create(open.jobId, open.wrap.enc, await responseSecret(exporter), secureRandom)
    return new OpenedJob(binding, fromUtf8(content), sealer, await cancelToken(exporter))
  }
}

export class OpenedJob {
  readonly binding: WrapBinding
  /** The JSON text that was sealed. */
  readonly content: string
  readonly sealer: ResponseSealer
  readonly cancelToken: Bytes

  constructor(binding: WrapBinding, content: string, sealer: ResponseSealer, token: Bytes) {
    this.binding = binding
    this.content = content
    this.sealer = sealer
    this.cancelToken = token
  }

  words(text: string, more: object = {}): Promise<Frame> {
    return this.sealer.seal(encodeChunk({ choices: [{ index: 0, delta: { content: text, ...more } }] }))
  }
}

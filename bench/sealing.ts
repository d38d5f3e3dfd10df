import {
  createPrekey,
  networks,
  noVoucher,
  openRequest,
  readHeader,
  ResponseOpener,
  ResponseSealer,
  responseSecret,
  sealRequest,
  secureRandom,
  sha256,
  utf8,
  wrapContentKey,
} from '@cocoon/protocol'
import { quantile, rounded } from './statistics.ts'

const ROUNDS = 100
const FRAMES = 500

/** Median milliseconds of each step of sealing, in this runtime. */
export async function measureSealing() {
  const times = { seal: [] as number[], wrap: [] as number[], open: [] as number[] }
  const content = utf8('What a prompt of ordinary length may look like. '.repeat(20))
  const prekey = await createPrekey()
  const statement = await sha256(utf8('a statement'))
  const clock = async <T>(into: number[], work: () => Promise<T>): Promise<T> => {
    const began = performance.now()
    const result = await work()
    into.push(performance.now() - began)
    return result
  }
  const frames: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const request = { network: networks.localnet, model: 'bench', policy: 'open', content } as const
    const { sealed, contentKey } = await clock(times.seal, () => sealRequest(request))
    const binding = { jobId: sealed.jobId, statement, voucher: await noVoucher() }
    const { wrap } = await clock(times.wrap, () => wrapContentKey(contentKey, prekey.publicKey, binding))
    const { commit } = readHeader(sealed.header, networks.localnet)
    const opened = await clock(times.open, () => openRequest({ ...sealed, wrap, commit }, prekey, binding))
    if (round > 0) continue
    const secret = await responseSecret(opened.exporter)
    const sealer = ResponseSealer.create(sealed.jobId, wrap.enc, secret, secureRandom)
    const opener = ResponseOpener.start(sealed.jobId, wrap.enc, secret)
    for (let n = 0; n < FRAMES; n++) {
      await clock(frames, async () => opener.open(await sealer.seal(utf8('some words of an answer'))))
    }
  }
  return {
    sealRequestMs: rounded(quantile(times.seal, 0.5)),
    wrapMs: rounded(quantile(times.wrap, 0.5)),
    openRequestMs: rounded(quantile(times.open, 0.5)),
    frameSealAndOpenMs: rounded(quantile(frames, 0.5)),
  }
}

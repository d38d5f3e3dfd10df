import { CocoonError, hex } from '@cocoon/protocol'
import { type Collateral, type Platform, readPcsAnswer } from '@cocoon/protocol/appraisal'
import { fetchWhole } from './fetching.ts'

/** Hosts of the makers' services. A configured source stands in for all of them, each under its own name. */
const PCS = 'api.trustedservices.intel.com'
const INTEL_CERTIFICATES = 'certificates.trustedservices.intel.com'
const KDS = 'kdsintf.amd.com'

/** A maker's service that does not answer in this time is asked again later. Milliseconds. */
const TIMEOUT = 10_000
const MAX_ANSWER = 1024 * 1024

export interface MakersOptions {
  /** Such as `http://127.0.0.1:4000/makers`: gets `/<host>/<path>`. Null: the makers themselves. */
  readonly source: string | null
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
}

/**
 * What the maker of this platform vouches for it today. Nothing is verified here: whoever uses it does.
 * @throws CocoonError `unreachable` saying which service gave no usable answer
 */
export function fetchCollateral(platform: Platform, options: MakersOptions): Promise<Collateral> {
  return platform.tee === 'tdx' ? fetchIntel(platform, options) : fetchAmd(platform, options)
}

async function fetchIntel(
  { fmspc, authority }: Extract<Platform, { tee: 'tdx' }>,
  options: MakersOptions,
): Promise<Collateral> {
  const [info, identity, pckCrl, rootCrl] = await Promise.all([
    ask(options, PCS, `/tdx/certification/v4/tcb?fmspc=${hex(fmspc)}`),
    ask(options, PCS, '/tdx/certification/v4/qe/identity'),
    ask(options, PCS, `/sgx/certification/v4/pckcrl?ca=${authority}&encoding=der`),
    ask(options, INTEL_CERTIFICATES, '/IntelSGXRootCA.der'),
  ])
  const tcbInfo = readPcsAnswer('tcbInfo', text(info))
  const qeIdentity = readPcsAnswer('qeIdentity', text(identity))
  return {
    tee: 'tdx',
    tdx: {
      tcbInfo: tcbInfo.text,
      tcbInfoSignature: tcbInfo.signature,
      tcbInfoChain: chainOf(info, 'tcb-info-issuer-chain'),
      qeIdentity: qeIdentity.text,
      qeIdentitySignature: qeIdentity.signature,
      qeIdentityChain: chainOf(identity, 'sgx-enclave-identity-issuer-chain'),
      rootCrl: rootCrl.body,
      pckCrl: pckCrl.body,
    },
  }
}

async function fetchAmd(
  { product, chipId, tcb }: Extract<Platform, { tee: 'sev-snp' }>,
  options: MakersOptions,
): Promise<Collateral> {
  // Turin's chip ids have 8 bytes, and its firmware a stage more (57230, section 4.1).
  const turin = product === 'Turin'
  const chip = hex(turin ? chipId.subarray(0, 8) : chipId)
  const levels = `blSPL=${tcb.bootloader}&teeSPL=${tcb.tee}&snpSPL=${tcb.snp}&ucodeSPL=${tcb.microcode}`
  const query = turin ? `fmcSPL=${tcb.fmc}&${levels}` : levels
  const [vcek, chain, crl] = await Promise.all([
    ask(options, KDS, `/vcek/v1/${product}/${chip}?${query}`),
    ask(options, KDS, `/vcek/v1/${product}/cert_chain`),
    ask(options, KDS, `/vcek/v1/${product}/crl`),
  ])
  return { tee: 'sev-snp', snp: { vcek: vcek.body, chain: text(chain), crl: crl.body } }
}

interface Answer {
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

async function ask({ source, fetch }: MakersOptions, host: string, path: string): Promise<Answer> {
  const url = source === null ? `https://${host}${path}` : `${source}/${host}${path}`
  const unusable = (why: string, cause?: unknown): CocoonError =>
    new CocoonError('unreachable', `${host} ${why}`, cause === undefined ? {} : { cause })
  const { response, body } = await fetchWhole(fetch, url, {}, TIMEOUT).catch((cause: unknown) => {
    throw unusable('does not answer', cause)
  })
  if (!response.ok) throw unusable(`answers ${response.status}`)
  if (body.length > MAX_ANSWER) throw unusable('answers too much')
  return { headers: response.headers, body }
}

const text = ({ body }: Answer): string => new TextDecoder().decode(body)

function chainOf({ headers }: Answer, name: string): string {
  try {
    return decodeURIComponent(headers.get(name) ?? '')
  } catch (cause) {
    throw new CocoonError('unreachable', `the answer has an unreadable ${name}`, { cause })
  }
}

import { type Bytes, fromHex, hex, utf8 } from '@cocoon/protocol'
import { AMD_PRODUCT, vcekPlan } from './amd-certificates.ts'
import { FAR_AHEAD, issue, issueChain, pem } from './certificates.ts'
import { encodeTdxCollateral } from './collateral.ts'
import { type CrlPlan, issueCrl } from './crls.ts'
import type { ScenePlan } from './scene.ts'
import { encodeSnpCollateral } from './snp.ts'

/** What a maker's service answers, before any HTTP. Header names are lower case. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Bytes
}
/** What the services know: the endorsements of one simulated machine. */
export type Endorsements = Pick<ScenePlan['machine'], 'tdx' | 'snp' | 'gpus'>

const answer = (type: string, body: Bytes, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 200,
  headers: { 'content-type': type, ...headers },
  body,
})
const refuse = (status: 400 | 404): Answer => ({ status, headers: {}, body: new Uint8Array() })

/** Answers the route of whichever service `url` names; 404 where it is none's. */
export async function answerSource(endorsements: Endorsements, url: URL): Promise<Answer> {
  switch (url.host) {
    case 'api.trustedservices.intel.com':
    case 'certificates.trustedservices.intel.com':
      return answerIntel(endorsements, url)
    case 'kdsintf.amd.com':
      return answerAmd(endorsements, url)
    case 'crl.ndis.nvidia.com':
      return answerNvidia(endorsements, url)
    default:
      return refuse(404)
  }
}

/** Intel's provisioning certification service (PCS API v4). Chains travel in headers, as PEM in percent-encoding. */
async function answerIntel({ tdx }: Endorsements, url: URL): Promise<Answer> {
  const collateral = await encodeTdxCollateral(tdx.collateral)
  const chain = (name: string, text: string) => ({ [name]: encodeURIComponent(text) })
  switch (url.pathname) {
    case '/tdx/certification/v4/tcb': {
      const fmspc = url.searchParams.get('fmspc') ?? ''
      if (!/^[0-9a-fA-F]{12}$/.test(fmspc)) return refuse(400)
      if (fmspc.toLowerCase() !== hex(tdx.platform.fmspc)) return refuse(404)
      const body = `{"tcbInfo":${collateral.tcbInfo},"signature":"${collateral.tcbInfoSignature}"}`
      return answer('application/json', utf8(body), chain('tcb-info-issuer-chain', collateral.tcbInfoChain))
    }
    case '/tdx/certification/v4/qe/identity': {
      const body = `{"enclaveIdentity":${collateral.qeIdentity},"signature":"${collateral.qeIdentitySignature}"}`
      const headers = chain('sgx-enclave-identity-issuer-chain', collateral.qeIdentityChain)
      return answer('application/json', utf8(body), headers)
    }
    case '/sgx/certification/v4/pckcrl': {
      if (!['platform', 'processor'].includes(url.searchParams.get('ca') ?? '')) return refuse(400)
      if (collateral.pckCrl.length === 0) return refuse(404)
      const issuer = pem(...(await issueChain(tdx.collateral.pckCrlChain)))
      const headers = chain('sgx-pck-crl-issuer-chain', issuer)
      if (url.searchParams.get('encoding') === 'der') return answer('application/pkix-crl', collateral.pckCrl, headers)
      return answer('application/x-pem-file', utf8(crlPem(collateral.pckCrl)), headers)
    }
    case '/IntelSGXRootCA.der':
      if (collateral.rootCrl.length === 0) return refuse(404)
      return answer('application/pkix-crl', collateral.rootCrl)
    default:
      return refuse(404)
  }
}

function crlPem(der: Bytes): string {
  const text = btoa(String.fromCharCode(...der)).replaceAll(/.{1,64}/g, '$&\n')
  return `-----BEGIN X509 CRL-----\n${text}-----END X509 CRL-----\n`
}

/** AMD's key distribution service (57230): `/vcek/v1/<product>/…`. */
async function answerAmd({ snp }: Endorsements, url: URL): Promise<Answer> {
  const [, service, version, product, name = ''] = url.pathname.split('/')
  if (service !== 'vcek' || version !== 'v1' || product !== AMD_PRODUCT) return refuse(404)
  const collateral = await encodeSnpCollateral(snp)
  if (name === 'cert_chain') return answer('application/x-pem-file', utf8(collateral.chain))
  if (name === 'crl') return collateral.crl.length === 0 ? refuse(404) : answer('application/pkix-crl', collateral.crl)
  if (!/^[0-9a-fA-F]{128}$/.test(name)) return refuse(404)
  if (name.toLowerCase() !== hex(snp.report.chipId)) return refuse(404)
  const level = (parameter: string) => Number(url.searchParams.get(parameter) ?? 0)
  const tcb = {
    bootLoader: level('blSPL'),
    tee: level('teeSPL'),
    snp: level('snpSPL'),
    microcode: level('ucodeSPL'),
  }
  if (Object.values(tcb).some((svn) => !Number.isInteger(svn) || svn < 0 || svn > 255)) return refuse(400)
  const { reportedTcb } = snp.report
  // For the levels of the report, whatever the plan says of the certificate.
  const same = Object.entries(tcb).every(([key, svn]) => reportedTcb[key as keyof typeof tcb] === svn)
  const vcek = same ? collateral.vcek : await issue(vcekPlan(tcb, fromHex(name.toLowerCase())))
  return answer('application/pkix-cert', vcek)
}

/**
 * NVIDIA's revocation lists, one for each tier above the GPU. Its reference values and OCSP answers are asked for by the
 * driver inside the trust domain, which is not simulated.
 */
async function answerNvidia({ gpus: [gpu], tdx }: Endorsements, url: URL): Promise<Answer> {
  const { rootCrl } = tdx.collateral
  if (!gpu || !rootCrl) return refuse(404)
  const [, , provisioner, identity] = gpu.chain
  for (const plan of [identity, provisioner]) {
    if (!plan || plan instanceof Uint8Array || plan.revocationList !== url.href) continue
    const list: CrlPlan = {
      issuer: plan.issuer,
      signedBy: plan.signedBy,
      thisUpdate: rootCrl.thisUpdate,
      nextUpdate: Math.min(rootCrl.nextUpdate ?? FAR_AHEAD, FAR_AHEAD),
      revoked: [],
      number: 1,
      extensions: [],
    }
    return answer('application/pkix-crl', await issueCrl(list))
  }
  return refuse(404)
}

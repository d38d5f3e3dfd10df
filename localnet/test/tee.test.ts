import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { QuoteVerifier } from '@phala/dcap-qvl'
import { concat, createSigner, equal, fromUtf8, hex, networks, signStatement, verifyStatement } from '@cocoon/protocol'
import type { TdxCollateral } from '@cocoon/protocol/appraisal'
import { beforeAll, describe, expect, it } from 'vitest'
import { appraiseUnder } from '../../protocol/src/appraisal/appraise.ts'
import { pins } from '../../protocol/src/appraisal/pins/development.ts'
import { ecKeys, type KeyName, rsaKeys } from '../src/tee/development-keys.ts'
import {
  type Answer,
  answerSource,
  arkPlan,
  attest,
  bases,
  developmentSigner,
  developmentWorkload,
  encodeQuote,
  encodeSnpCollateral,
  encodeSnpReport,
  intelRootPlan,
  issue,
  issueChain,
  isSwitch,
  nvidiaRootPlan,
  pinned,
  planScene,
  publicKeyInfo,
  type ScenePlan,
  sign,
  SimulatedMachine,
  switches,
  switchNames,
} from '../src/tee/index.ts'

const NOW = Date.UTC(2026, 10, 22) / 1000
let drawn = 0
const random = (length: number) => new Uint8Array(length).fill(++drawn)
const sceneOf = (base: keyof typeof bases = 'tdx'): Promise<ScenePlan> =>
  planScene({ now: NOW, random, ...bases[base] })

describe('development keys', () => {
  const names = [...Object.keys(ecKeys), ...Object.keys(rsaKeys)] as KeyName[]

  it('are all different', () => {
    expect(new Set(names.map((name) => hex(publicKeyInfo(name)))).size).toBe(names.length)
  })

  it.each(names)('sign what their public half verifies: %s', async (name) => {
    const message = new Uint8Array(100).fill(7)
    const key = createPublicKey({ key: Buffer.from(publicKeyInfo(name)), format: 'der', type: 'spki' })
    const small = key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    const options =
      key.asymmetricKeyType === 'rsa' ? { padding: 6, saltLength: 48 } : { dsaEncoding: 'ieee-p1363' as const }
    expect(verify(small ? 'sha256' : 'sha384', message, { key, ...options }, await sign(name, message))).toBe(true)
  })
})

describe('roots', () => {
  const roots = [
    ['Intel', pinned.intelRoot, intelRootPlan],
    ['NVIDIA', pinned.nvidiaRoot, nvidiaRootPlan],
    ['AMD', pinned.amdRoot, arkPlan],
  ] as const

  it.each(roots)('are pinned with the content that is planned, signed by themselves: %s', async (_, bytes, plan) => {
    const [fixed, fresh] = [new X509Certificate(bytes), new X509Certificate(await issue(plan()))]
    expect(fixed.verify(fixed.publicKey)).toBe(true)
    for (const field of ['subject', 'issuer', 'serialNumber', 'validFrom', 'validTo', 'ca'] as const) {
      expect(fixed[field]).toEqual(fresh[field])
    }
    expect(contentOf(bytes)).toEqual(contentOf(await issue(plan())))
  })

  it('say whose they are', () => {
    for (const [, bytes] of roots) expect(new X509Certificate(bytes).subject).toContain('worth nothing')
  })

  it('are what a development build pins', async () => {
    expect(pins.intelRoot).toEqual(pinned.intelRoot)
    expect(pins.nvidiaRoot).toEqual(pinned.nvidiaRoot)
    const digest = createHash('sha256').update(pinned.amdRoot).digest('hex')
    expect(pins.amdRoots).toEqual([{ product: pinned.AMD_ROOT_PRODUCT, digest }])
    expect(pinned.amdRootDigest).toBe(digest)
    expect(pins.owners.keys.map(hex)).toEqual([...pinned.registryOwners])
    expect(pins.owners.threshold).toBe(pinned.REGISTRY_THRESHOLD)
    const owners = await Promise.all((['owner0', 'owner1', 'owner2'] as const).map(developmentSigner))
    expect(owners.map(({ publicKey }) => hex(publicKey))).toEqual([...pinned.registryOwners])
    expect(hex((await developmentSigner('stamp')).publicKey)).toBe(pinned.stampKey)
  })
})

/** The signed part of a certificate: the first member of the outer sequence. */
function contentOf(certificate: Uint8Array): Uint8Array {
  const inner = certificate.subarray(4)
  return inner.slice(0, 4 + (((inner[2] ?? 0) << 8) | (inner[3] ?? 0)))
}

/** Each signed and named by the next, the last by itself; authorities above the leaf and nowhere else. */
function isChain(ders: readonly Uint8Array[]): boolean {
  const chain = ders.map((der) => new X509Certificate(der))
  return chain.every((certificate, i) => {
    const issuer = chain[i + 1] ?? certificate
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey) && certificate.ca === i > 0
  })
}

describe('node:crypto, which knows nothing of us, verifies', () => {
  it.each(['tdx', 'tdx-v5'] as const)('the chain of a PCK certificate: %s', async (base) => {
    const { chain } = (await sceneOf(base)).machine.tdx.quote
    expect(isChain(await issueChain(chain))).toBe(true)
  })

  it('the chain of the TCB signer', async () => {
    const { chain } = (await sceneOf()).machine.tdx.collateral.tcbInfo
    expect(isChain(await issueChain(chain))).toBe(true)
  })

  it.each(['tdx', 'blackwell'] as const)("a GPU's chain and its report: %s", async (base) => {
    const { evidence } = await attest((await sceneOf(base)).machine)
    const [{ chain, report } = { chain: [], report: new Uint8Array() }] = evidence.gpu
    expect(chain).toHaveLength(5)
    expect(isChain(chain)).toBe(true)
    const key = new X509Certificate(chain[0] ?? new Uint8Array()).publicKey
    const [signed, signature] = [report.subarray(0, -96), report.subarray(-96)]
    expect(verify('sha384', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
  })

  it("a VCEK's chain and the report it signs", async () => {
    const { snp } = (await sceneOf('snp')).machine
    const [report, { vcek }] = [await encodeSnpReport(snp), await encodeSnpCollateral(snp)]
    expect(isChain([vcek, ...(await issueChain(snp.chain))])).toBe(true)
    expect(report).toHaveLength(1184)
    const number = (from: number) => report.slice(from, from + 48).toReversed()
    const signature = concat(number(0x2a0), number(0x2a0 + 72))
    const key = new X509Certificate(vcek).publicKey
    expect(verify('sha384', report.subarray(0, 0x2a0), { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
  })
})

const PCS = 'https://api.trustedservices.intel.com'

/** Collateral as a node would fetch it, from the answers of Intel's service. */
async function fetched(scene: ScenePlan, issuer: 'platform' | 'processor'): Promise<TdxCollateral> {
  const ask = async (url: string): Promise<Answer> => {
    const answer = await answerSource(scene.machine, new URL(url))
    expect(answer.status).toBe(200)
    return answer
  }
  const signed = (answer: Answer, field: string) => {
    const text = fromUtf8(answer.body)
    const match = new RegExp(`^\\{"${field}":(\\{.*\\}),"signature":"([0-9a-f]{128})"\\}$`).exec(text)
    return { json: match?.[1] ?? '', signature: match?.[2] ?? '' }
  }
  const chainOf = (answer: Answer, name: string) => decodeURIComponent(answer.headers[name] ?? '')
  const tcb = await ask(`${PCS}/tdx/certification/v4/tcb?fmspc=${hex(scene.machine.tdx.platform.fmspc)}`)
  const qe = await ask(`${PCS}/tdx/certification/v4/qe/identity`)
  const pck = await ask(`${PCS}/sgx/certification/v4/pckcrl?ca=${issuer}&encoding=der`)
  const root = await ask('https://certificates.trustedservices.intel.com/IntelSGXRootCA.der')
  const [info, identity] = [signed(tcb, 'tcbInfo'), signed(qe, 'enclaveIdentity')]
  return {
    tcbInfo: info.json,
    tcbInfoSignature: info.signature,
    tcbInfoChain: chainOf(tcb, 'tcb-info-issuer-chain'),
    qeIdentity: identity.json,
    qeIdentitySignature: identity.signature,
    qeIdentityChain: chainOf(qe, 'sgx-enclave-identity-issuer-chain'),
    rootCrl: root.body,
    pckCrl: pck.body,
  }
}

/** The same in the words of a packaged verifier. */
const packaged = (collateral: TdxCollateral) => ({
  tcb_info: collateral.tcbInfo,
  tcb_info_signature: collateral.tcbInfoSignature,
  tcb_info_issuer_chain: collateral.tcbInfoChain,
  qe_identity: collateral.qeIdentity,
  qe_identity_signature: collateral.qeIdentitySignature,
  qe_identity_issuer_chain: collateral.qeIdentityChain,
  root_ca_crl: hex(collateral.rootCrl),
  pck_crl: hex(collateral.pckCrl),
  pck_crl_issuer_chain: collateral.tcbInfoChain,
})

describe('a packaged verifier of quotes', () => {
  const ours = QuoteVerifier.newWithRootCa(Buffer.from(pinned.intelRoot))
  const issuers = { tdx: 'platform', 'tdx-v5': 'processor', 'tdx-1.5': 'platform' } as const
  const kinds = Object.keys(issuers) as (keyof typeof issuers)[]

  it.each(kinds)('accepts simulated quotes with collateral fetched by route: %s', async (base) => {
    const scene = await sceneOf(base)
    const quote = await encodeQuote(scene.machine.tdx.quote)
    const { status } = ours.verify(quote, packaged(await fetched(scene, issuers[base])), NOW)
    expect(status).toBe('UpToDate')
  })

  it("refuses them under Intel's own root", async () => {
    const scene = await sceneOf()
    const quote = await encodeQuote(scene.machine.tdx.quote)
    const collateral = packaged(await fetched(scene, 'platform'))
    expect(() => QuoteVerifier.newProd().verify(quote, collateral, NOW)).toThrow()
  })

  it.each(['qe-signer', 'tcb-info-expired', 'pck-revoked', 'tcb-revoked', 'quote-signature', 'td-debug'] as const)(
    'refuses what it knows to be wrong: %s',
    async (name) => {
      const scene = await sceneOf()
      await switches[name].breaks(scene)
      const quote = await encodeQuote(scene.machine.tdx.quote)
      const collateral = packaged(await fetched(scene, 'platform'))
      expect(() => ours.verify(quote, collateral, NOW)).toThrow()
    },
  )
})

describe("the makers' services", () => {
  let scene: ScenePlan
  beforeAll(async () => {
    scene = await sceneOf('snp')
  })
  const ask = (url: string) => answerSource(scene.machine, new URL(url))

  it("answer AMD's routes for this chip and these levels", async () => {
    const { report } = scene.machine.snp
    const { bootLoader, tee, snp, microcode } = report.reportedTcb
    const levels = `blSPL=${bootLoader}&teeSPL=${tee}&snpSPL=${snp}&ucodeSPL=${microcode}`
    const kds = 'https://kdsintf.amd.com/vcek/v1/Genoa'
    const { body: vcek } = await ask(`${kds}/${hex(report.chipId)}?${levels}`)
    const chain = fromUtf8((await ask(`${kds}/cert_chain`)).body)
    const above =
      chain.match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g)?.map((pem) => new X509Certificate(pem).raw) ?? []
    expect(isChain([vcek, ...above])).toBe(true)
    expect((await ask(`${kds}/crl`)).body.length).toBeGreaterThan(100)
    const other = await ask(`${kds}/${hex(report.chipId)}?blSPL=1&teeSPL=0&snpSPL=1&ucodeSPL=1`)
    expect(other.status).toBe(200)
    expect(equal(other.body, vcek)).toBe(false)
  })

  it('answer for what they know alone', async () => {
    const chip = hex(scene.machine.snp.report.chipId)
    const refused: [url: string, status: number][] = [
      [`${PCS}/tdx/certification/v4/tcb?fmspc=000000000000`, 404],
      [`${PCS}/tdx/certification/v4/tcb?fmspc=zz`, 400],
      [`${PCS}/sgx/certification/v4/pckcrl?ca=other`, 400],
      [`${PCS}/sgx/certification/v3/pckcrl?ca=platform`, 404],
      [`https://kdsintf.amd.com/vcek/v1/Milan/cert_chain`, 404],
      [`https://kdsintf.amd.com/vcek/v1/Genoa/${'00'.repeat(64)}`, 404],
      [`https://kdsintf.amd.com/vcek/v1/Genoa/${chip}?blSPL=256`, 400],
      ['http://crl.ndis.nvidia.com/crl/other.crl', 404],
      ['https://example.org/', 404],
    ]
    for (const [url, status] of refused) expect([url, (await ask(url)).status]).toEqual([url, status])
  })

  it("answer NVIDIA's lists at the places that certificates name", async () => {
    for (const url of ['http://crl.ndis.nvidia.com/crl/l1-root.crl', 'http://crl.ndis.nvidia.com/crl/l2-gh100.crl']) {
      expect((await ask(url)).status).toBe(200)
    }
  })

  it('withhold a list that a switch takes away', async () => {
    const broken = await sceneOf()
    await switches['crl-missing-root'].breaks(broken)
    const url = new URL('https://certificates.trustedservices.intel.com/IntelSGXRootCA.der')
    expect((await answerSource(broken.machine, url)).status).toBe(404)
  })

  it("hand out the PCK issuer's list in either encoding", async () => {
    const url = `${PCS}/sgx/certification/v4/pckcrl?ca=platform`
    const pem = fromUtf8((await ask(url)).body)
    const der = (await ask(`${url}&encoding=der`)).body
    const body = pem.replaceAll(/-----[A-Z0-9 ]+-----|\n/g, '')
    expect(Buffer.from(body, 'base64')).toEqual(Buffer.from(der))
  })
})

describe('a simulated machine', () => {
  let now = NOW
  let machine: SimulatedMachine
  const identity = createSigner(new Uint8Array(32).fill(5))

  beforeAll(async () => {
    const { publicKey } = await identity
    machine = new SimulatedMachine({
      clock: () => now,
      random,
      identity: publicKey,
      workload: await developmentWorkload(),
    })
  })

  /** What a client makes of it. */
  async function verdict(): Promise<string> {
    const { bytes, digest, collateral } = await machine.evidence()
    const { publicKey } = await identity
    const template = (await sceneOf()).statement
    const statement = { ...template, identity: publicKey, notBefore: now, useBy: now + 60, evidence: digest }
    const signed = await verifyStatement(await signStatement(statement, await identity), networks.localnet)
    const { verdict: word, code } = await appraiseUnder(pins, {
      network: networks.localnet,
      now,
      seen: null,
      ...(await machine.registry()),
      evidence: bytes,
      collateral,
      statement: signed,
    })
    return code ?? word
  }

  it('is private, and private again under the same key a day later', async () => {
    now = NOW
    const before = (await machine.evidence()).digest
    expect(await verdict()).toBe('private')
    now = NOW + 86_400
    expect((await machine.evidence()).digest).not.toEqual(before)
    expect(await verdict()).toBe('private')
  })

  it('publishes one registry a day and one stamp an hour', async () => {
    now = NOW + 30
    const first = await machine.registry()
    now = NOW + 3000
    expect(await machine.registry()).toEqual(first)
    now = NOW + 3600
    const { registry, stamp } = await machine.registry()
    expect(registry).toEqual(first.registry)
    expect(stamp).not.toEqual(first.stamp)
  })

  it('stays broken until it is mended', async () => {
    now = NOW
    machine.break('td-debug')
    expect(machine.broken).toEqual(['td-debug'])
    expect(await verdict()).toBe('td-debug')
    expect(await verdict()).toBe('td-debug')
    machine.mend('td-debug')
    expect(await verdict()).toBe('private')
  })

  it('can break what the owners say, too', async () => {
    machine.break('stamp-stale')
    expect(await verdict()).toBe('stamp-expired')
    machine.mend('stamp-stale')
  })

  it('has the PPID and the chip id of its serial number alone', async () => {
    const [a, b, c] = await Promise.all(['a', 'a', 'b'].map((serial) => planScene({ now: NOW, random, serial })))
    expect(a?.machine.tdx.platform.ppid).toEqual(b?.machine.tdx.platform.ppid)
    expect(a?.machine.snp.report.chipId).toEqual(b?.machine.snp.report.chipId)
    expect(a?.machine.tdx.platform.ppid).not.toEqual(c?.machine.tdx.platform.ppid)
    expect(a?.machine.snp.report.chipId).not.toEqual(c?.machine.snp.report.chipId)
  })
})

describe('switches', () => {
  it('are found by name, and nothing else is', () => {
    expect(switchNames.every(isSwitch)).toBe(true)
    expect(isSwitch('toString')).toBe(false)
  })

  it('are named in lower case, and say what they break', () => {
    for (const name of switchNames) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
      expect(switches[name].rule.length).toBeGreaterThan(5)
    }
  })
})

import {
  type CertificatePlan,
  DEVELOPMENT,
  type Extension,
  FAR_AHEAD,
  LONG_AGO,
  type Name,
  serial,
} from './certificates.ts'
import { boolean, enumerated, integer, objectId, octets, sequence } from './der-writer.ts'
import type { EcKeyName } from './development-keys.ts'

/**
 * Intel's three tiers (SGX PCK certificate and CRL profile specification, 1.5). Common names are Intel's, because the
 * verifier compares them; the organisation says whose they are.
 */
const named = (commonName: string): Name => [
  ['CN', commonName],
  ['O', DEVELOPMENT],
  ['C', 'XX'],
]

/** Which kind of platform certified the processor: several packages, or one. */
export type PckIssuer = 'platform' | 'processor'

export const intelNames = {
  root: named('Intel SGX Root CA'),
  platform: named('Intel SGX PCK Platform CA'),
  processor: named('Intel SGX PCK Processor CA'),
  tcbSigning: named('Intel SGX TCB Signing'),
  pck: named('Intel SGX PCK Certificate'),
}
const issuerKeys = { platform: 'pckPlatformCa', processor: 'pckProcessorCa' } as const

const ROOT_CRL = 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der'
const pckCrl = (issuer: PckIssuer) =>
  `https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=${issuer}&encoding=der`

function certificate(
  number: number,
  subject: Name,
  key: EcKeyName,
  rest: Partial<CertificatePlan> & Pick<CertificatePlan, 'authority'>,
): CertificatePlan {
  return {
    serial: serial(number),
    subject,
    issuer: intelNames.root,
    notBefore: LONG_AGO,
    notAfter: FAR_AHEAD,
    key,
    signedBy: 'intelRoot',
    usages: rest.authority ? ['keyCertSign', 'crlSign'] : ['digitalSignature', 'nonRepudiation'],
    extensions: [],
    version: 2,
    revocationList: ROOT_CRL,
    keyIdentifiers: true,
    ...rest,
  }
}

/** The plan the pinned bytes were made from; issuing it again gives the same content under another signature. */
export const intelRootPlan = () => certificate(1, intelNames.root, 'intelRoot', { authority: { pathLength: 1 } })

export const pckCaPlan = (issuer: PckIssuer) =>
  certificate(issuer === 'platform' ? 2 : 3, intelNames[issuer], issuerKeys[issuer], { authority: { pathLength: 0 } })

export const tcbSigningPlan = () => certificate(4, intelNames.tcbSigning, 'tcbSigning', { authority: false })

/** What a PCK certificate says about its processor. */
export interface IntelPlatform {
  /** 16 bytes; Intel encrypts the processor's own identity into it. */
  ppid: Uint8Array
  /** 16 bytes, one for each component. */
  cpuSvn: Uint8Array
  /** The same 16 numbers, one by one. */
  components: number[]
  pceSvn: number
  /** 2 bytes. */
  pceId: Uint8Array
  /** 6 bytes: family, model, stepping, platform, custom SKU. */
  fmspc: Uint8Array
}

const SGX = '1.2.840.113741.1.13.1'
const member = (arc: string, value: Uint8Array) => sequence(objectId(`${SGX}.${arc}`), value)

/** `rearrange` changes the members before they are put together. */
export function sgxExtension(
  platform: IntelPlatform,
  rearrange: (members: Uint8Array[]) => Uint8Array[] = (members) => members,
): Extension {
  const components = platform.components.map((svn, i) => member(`2.${i + 1}`, integer(svn)))
  const tcb = sequence(...components, member('2.17', integer(platform.pceSvn)), member('2.18', octets(platform.cpuSvn)))
  const configuration = sequence(...[1, 2, 3].map((arc) => member(`7.${arc}`, boolean(arc !== 1))))
  return {
    id: SGX,
    value: sequence(
      ...rearrange([
        member('1', octets(platform.ppid)),
        member('2', tcb),
        member('3', octets(platform.pceId)),
        member('4', octets(platform.fmspc)),
        member('5', enumerated(1)),
        member('6', octets(new Uint8Array(16))),
        member('7', configuration),
      ]),
    ),
  }
}

export function pckPlan(issuer: PckIssuer, platform: IntelPlatform): CertificatePlan {
  return certificate(0x50, intelNames.pck, 'pck', {
    authority: false,
    issuer: intelNames[issuer],
    signedBy: issuerKeys[issuer],
    revocationList: pckCrl(issuer),
    extensions: [sgxExtension(platform)],
  })
}

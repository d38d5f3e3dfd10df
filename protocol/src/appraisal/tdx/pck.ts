import { type Bytes, hex } from '../../bytes.ts'
import { type Der, elements, Fields, readDer, readOid, readSmall, tags } from '../der.ts'
import { AppraisalError, ensure } from '../failure.ts'
import type { Certificate } from '../x509.ts'

/** What a PCK certificate says of its processor (SGX PCK certificate and CRL profile specification, 1.5, section 1.3.5). */
export interface SgxPlatform {
  /** Platform provisioning id, 16 bytes. */
  readonly ppid: Bytes
  /** 16 security versions, one a byte. */
  readonly cpuSvn: Bytes
  readonly pceSvn: number
  readonly pceId: Bytes
  readonly fmspc: Bytes
}

const SGX_EXTENSION = '1.2.840.113741.1.13.1'
const PPID = `${SGX_EXTENSION}.1`
const TCB = `${SGX_EXTENSION}.2`
const PCE_ID = `${SGX_EXTENSION}.3`
const FMSPC = `${SGX_EXTENSION}.4`
const PCE_SVN = `${TCB}.17`
const CPU_SVN = `${TCB}.18`
const COMPONENTS = 16

/** @throws AppraisalError `pck-extension`, `pck-svn` when the 16 components are not what CPUSVN says, `malformed` */
export function readPlatform(certificate: Certificate): SgxPlatform {
  const extension = certificate.extensions.get(SGX_EXTENSION)
  ensure(extension !== undefined, 'pck-extension', 'PCK certificate has no SGX extension')
  const members = readMembers(readDer(extension.value, tags.sequence))
  const tcb = readMembers(member(members, TCB))
  const cpuSvn = octets(tcb, CPU_SVN, COMPONENTS)
  for (const [i, svn] of cpuSvn.entries()) {
    const component = readSmall(member(tcb, `${TCB}.${i + 1}`))
    ensure(component === svn, 'pck-svn', `component ${i + 1} is ${component} in CPUSVN ${hex(cpuSvn)}`)
  }
  return {
    ppid: octets(members, PPID, 16),
    cpuSvn,
    pceSvn: readSmall(member(tcb, PCE_SVN)),
    pceId: octets(members, PCE_ID, 2),
    fmspc: octets(members, FMSPC, 6),
  }
}

function readMembers(list: Der): Map<string, Der> {
  const members = new Map<string, Der>()
  for (const element of elements(list)) {
    const fields = new Fields(element)
    const id = readOid(fields.next(tags.oid))
    if (members.has(id)) throw new AppraisalError('pck-extension', `SGX extension has ${id} twice`)
    members.set(id, fields.any())
    fields.end()
  }
  return members
}

function member(members: ReadonlyMap<string, Der>, id: string): Der {
  const found = members.get(id)
  ensure(found !== undefined, 'pck-extension', `SGX extension has no ${id}`)
  return found
}

function octets(members: ReadonlyMap<string, Der>, id: string, length: number): Bytes {
  const value = member(members, id)
  const right = value.tag === tags.octetString && value.contents.length === length
  ensure(right, 'pck-extension', `${id} is not ${length} bytes`)
  return value.contents
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bytes, copy } from '@cocoon/protocol'
import { workloadDigest, workloadRegister } from '@cocoon/protocol/appraisal'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { developmentWorkload, extend } from '../../../localnet/src/tee/index.ts'
import { kernelFiles } from '../../src/attesters/kernel-files.ts'
import { readWorkloadRegister, requireWorkload } from '../../src/attesters/rtmr.ts'
import { codeOf } from './machine.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cocoon-measurements-'))
})
afterEach(() => rm(directory, { recursive: true }))

const measured = (register: Bytes) => writeFile(join(directory, 'rtmr3:sha384'), register)

test('a machine whose register was extended once, with this workload, passes', async () => {
  const workload = await developmentWorkload()
  await measured(await workloadRegister(workload))
  await expect(requireWorkload(await readWorkloadRegister(directory), workload)).resolves.toBeUndefined()
})

test('the register is only ever read', async () => {
  const refuse = () => Promise.reject(new Error('written'))
  const files = { ...kernelFiles, write: refuse, makeEntry: refuse, removeEntry: refuse }
  await measured(new Uint8Array(48).fill(4))
  expect(await readWorkloadRegister(directory, files)).toEqual(new Uint8Array(48).fill(4))
})

test('anything else is refused, and the message says which of the two mistakes it is', async () => {
  const workload = await developmentWorkload()
  const digest = await workloadDigest(workload)
  const other = { ...workload, policy: copy(new Uint8Array(32)) }
  await expect(requireWorkload(new Uint8Array(48), workload)).rejects.toThrow(/never extended/)
  const wrongs = [
    await extend([digest, digest]),
    await extend([new Uint8Array(48), digest]),
    await workloadRegister(other),
    digest,
  ]
  for (const register of wrongs) {
    expect(await codeOf(requireWorkload(register, workload))).toBe('register-differs')
    await expect(requireWorkload(register, workload)).rejects.toThrow(/Only a restart/)
  }
})

test('a kernel without the file, or with one of another length, is told what is needed', async () => {
  await expect(readWorkloadRegister(directory)).rejects.toThrow(/ENOENT.*Linux 6\.16/)
  await measured(new Uint8Array(32))
  expect(await codeOf(readWorkloadRegister(directory))).toBe('register-absent')
  await measured(new Uint8Array(49))
  expect(await codeOf(readWorkloadRegister(directory))).toBe('register-absent')
})

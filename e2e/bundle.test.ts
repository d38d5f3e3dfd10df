import { execFileSync } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { startSystem, type System } from '@cocoon/localnet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleDigest, bundleFiles, compareServed } from '../scripts/bundle.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = bundleFiles(fileURLToPath(new URL('../dist/localnet/client', import.meta.url)))

describe('the Mini App as an outsider checks it', () => {
  let system: System
  const servers: Server[] = []
  beforeAll(async () => {
    system = await startSystem({ build: false, nodes: 0, attested: true })
  })
  afterAll(async () => {
    for (const server of servers) server.close()
    await system.stop()
  })

  /** Serves what the system serves, but for what `change` does to one file or header. */
  async function dishonest(change: (path: string, body: Buffer) => Buffer, policy?: string): Promise<string> {
    const server = createServer((request, response) => {
      const path = request.url ?? '/'
      void forward(path).then(({ status, headers, body }) => response.writeHead(status, headers).end(body))
    })
    const forward = async (path: string) => {
      const answer = await fetch(system.origin + path)
      const headers = { 'content-security-policy': policy ?? answer.headers.get('content-security-policy') ?? '' }
      return { status: answer.status, headers, body: change(path, Buffer.from(await answer.arrayBuffer())) }
    }
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('is served byte for byte as it was built', async () => {
    expect(files.length).toBeGreaterThan(4)
    expect(await compareServed(files, system.origin)).toEqual([])
  })

  it('is listed in the registry statement that the owners signed, and nothing else is', async () => {
    const check = (digest: string) => {
      const script = `import { listedAs } from './scripts/bundle.mjs'; console.log(await listedAs('${digest}', '${system.origin}', 'localnet'))`
      const args = ['--conditions=cocoon-development', '--input-type=module', '--eval', script]
      return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).trim()
    }
    expect(check(bundleDigest(files))).toBe('mini-app')
    expect(check('0'.repeat(64))).toBe('null')
  })

  it('shows one changed byte in any file', async () => {
    for (const file of files.filter(({ path }) => path !== '_headers')) {
      const address = file.path === 'index.html' ? '/' : `/${file.path}`
      const origin = await dishonest((path, body) => {
        if (path === address) body[0] = (body[0] ?? 0) ^ 1
        return body
      })
      const differences = await compareServed(files, origin)
      expect(differences).toHaveLength(1)
      expect(differences[0]).toContain(file.path)
    }
  })

  it('shows a policy that lets more in', async () => {
    const origin = await dishonest((_, body) => body, "default-src *; script-src * 'unsafe-eval'")
    expect(await compareServed(files, origin)).toEqual([expect.stringContaining('another content security policy')])
  })

  it('has a digest that every file and every name changes', () => {
    const digest = bundleDigest(files)
    const [first, ...rest] = files
    if (!first) throw new Error('the build is empty')
    expect(bundleDigest(rest)).not.toBe(digest)
    expect(bundleDigest([{ ...first, path: `${first.path}x` }, ...rest])).not.toBe(digest)
    expect(bundleDigest([{ ...first, digest: '0'.repeat(64) }, ...rest])).not.toBe(digest)
    expect(bundleDigest(bundleFiles(fileURLToPath(new URL('../dist/localnet/client', import.meta.url))))).toBe(digest)
  })
})

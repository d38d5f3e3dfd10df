import { readFileSync } from 'node:fs'
import { cloudflare } from '@cloudflare/vite-plugin'
import react from '@vitejs/plugin-react'
import { defaultClientConditions, defineConfig } from 'vite'

/** The network a bundle believes in is built in, never asked for: wrangler.toml says which, localnet overrides it. */
export function buildNetwork(): string {
  const declared = /^NETWORK = "(\w+)"/m.exec(readFileSync('wrangler.toml', 'utf8'))?.[1]
  const network = process.env['COCOON_NETWORK'] ?? declared
  if (!network || !['mainnet', 'testnet', 'localnet'].includes(network)) {
    throw new Error('NETWORK in wrangler.toml (or COCOON_NETWORK) must be mainnet, testnet or localnet')
  }
  return network
}

const network = buildNetwork()
/** Roots of simulated machines are in a development build and in no other (docs/decisions/014). */
const development = network === 'localnet' && process.env['COCOON_ROOTS'] !== 'production'
const conditions = development ? ['cocoon-development'] : []

export default defineConfig({
  root: 'web',
  define: { __NETWORK__: JSON.stringify(network) },
  build: { outDir: `../dist/${network}`, emptyOutDir: true, target: 'es2022' },
  resolve: { conditions: [...conditions, ...defaultClientConditions] },
  // The broker's worker, named as in wrangler.toml.
  environments: { cocoon: { resolve: { conditions } } },
  plugins: [
    react(),
    cloudflare({ configPath: '../wrangler.toml', persistState: { path: '../.wrangler/state' }, inspectorPort: false }),
  ],
})

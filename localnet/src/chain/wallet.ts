/** Where the page finds its wallet, and how the wallet reaches the app outside. */
export interface InjectedWallet {
  /** Name of the object on `window`: the `jsBridgeKey` of the wallets list. */
  readonly key: string
  /** Name of a function on `window` that takes a door and an argument: `WalletApp.call`, exposed by the browser driver. */
  readonly binding: string
}

/**
 * Puts a wallet into a page, as a wallet's browser does (TON Connect 2, JavaScript bridge). It is turned into text and run
 * there before any script of the page, so it uses nothing from outside itself:
 *
 *     await page.exposeFunction('walletApp', (door, argument) => app.call(door, argument))
 *     await page.addInitScript(injectWallet, { key: 'testwallet', binding: 'walletApp' })
 *
 * It holds no key and decides nothing; and needs no network, so no content policy is in its way.
 */
export function injectWallet({ key, binding }: InjectedWallet): void {
  type Call = (door: string, argument: unknown) => Promise<unknown>
  type Listener = (event: unknown) => void
  const page = globalThis as unknown as Record<string, unknown>
  const call: Call = async (door, argument) => {
    const answer = await (page[binding] as Call)(door, argument)
    // The app was closed: whoever waits goes on waiting.
    return answer === undefined ? new Promise<never>(() => undefined) : answer
  }
  const listeners = new Set<Listener>()
  page[key] = {
    tonconnect: {
      deviceInfo: {
        platform: 'browser',
        appName: 'testwallet',
        appVersion: '1.0.0',
        maxProtocolVersion: 2,
        features: [
          'SendTransaction',
          { name: 'SendTransaction', maxMessages: 255 },
          { name: 'SignData', types: ['text', 'binary', 'cell'] },
        ],
      },
      walletInfo: {
        name: 'Test wallet',
        app_name: 'testwallet',
        image: 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>',
        about_url: 'https://example.org/',
        platforms: ['chrome'],
      },
      protocolVersion: 2,
      isWalletBrowser: false,
      connect: (_version: number, request: unknown) => call('connect', request),
      restoreConnection: () => call('restore', null),
      send: (request: unknown) => call('send', request),
      disconnect: () => call('disconnect', null),
      listen: (listener: Listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
  }
}

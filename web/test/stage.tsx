import { act } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { App } from '../src/app.tsx'
import { Chat } from '../src/chat.ts'
import type { History } from '../src/history.ts'
import { ScriptedAsking, type Scene } from '../src/dev/scripted-asking.ts'
import { loadMarkdown } from '../src/prose.tsx'
import type { Telegram, Touch } from '../src/telegram.ts'
import { speak } from '../src/words/words.ts'

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

// What jsdom has not and every browser has.
if (typeof window.matchMedia !== 'function') {
  window.matchMedia = (media: string) =>
    Object.assign(new EventTarget(), { matches: false, media, onchange: null }) as unknown as MediaQueryList
  window.scrollTo = () => {}
}

/** A Telegram that only remembers what was asked of it. */
class QuietTelegram implements Telegram {
  readonly inside = false
  readonly drawsButtons = false
  readonly platform: string
  readonly initData = undefined
  readonly touches: Touch[] = []
  readonly opened: string[] = []
  back: (() => void) | null = null
  closed = 0

  constructor(platform = 'browser') {
    this.platform = platform
  }

  readonly language = null
  start: string | null = null
  readonly secrets = null
  readonly addToHomeScreen = null
  readonly setFullscreen = null
  readonly shared: string[] = []
  closing = false
  settings: (() => void) | null = null

  onSettings = (listener: () => void) => {
    this.settings = listener
    return () => {}
  }
  readonly hasMainButton = false
  mainButton = () => () => {}
  confirmClosing = (needed: boolean): void => {
    this.closing = needed
  }
  share = (text: string): boolean => {
    this.shared.push(text)
    return true
  }
  theme = () => ({})
  onTheme = () => () => {}
  paint = (): void => {}
  touch = (kind: Touch): void => void this.touches.push(kind)
  onBack = (listener: () => void) => {
    this.back = listener
    return () => {
      this.back = null
    }
  }
  openLink = (url: string): void => void this.opened.push(url)
  close = (): void => {
    this.closed++
  }
}

export interface Stage {
  readonly chat: Chat
  readonly asking: ScriptedAsking
  readonly telegram: QuietTelegram
  readonly root: HTMLElement
  readonly field: HTMLTextAreaElement
  readonly type: (text: string) => Promise<void>
  readonly key: (key: string, init?: KeyboardEventInit) => Promise<void>
  readonly click: (label: string) => Promise<void>
  readonly byLabel: (label: string) => HTMLElement | null
  readonly settle: () => Promise<void>
}

let mounted: Root | null = null

export interface StageOptions {
  readonly start?: string
  readonly platform?: string
  readonly attested?: boolean
  readonly history?: Promise<History | null>
}

export async function stage(scenes: Scene[], options: StageOptions = {}): Promise<Stage> {
  await strike()
  await import('../src/pages.tsx')
  const asking = new ScriptedAsking(scenes, !options.attested)
  const chat = new Chat(() => Promise.resolve(asking), false, options.history)
  const telegram = new QuietTelegram(options.platform)
  telegram.start = options.start ?? null
  const root = document.createElement('div')
  document.body.append(root)
  mounted = createRoot(root)
  await act(async () => {
    mounted?.render(<App chat={chat} telegram={telegram} />)
    await Promise.all([loadMarkdown(), chat.open()])
  })
  const field = root.querySelector('textarea')
  if (!field) throw new Error('the composer has no field')
  const byLabel = (label: string) =>
    [...root.querySelectorAll<HTMLElement>('button, label, [role=article], dialog')].findLast(
      (element) => element.getAttribute('aria-label') === label || element.textContent === label,
    ) ?? null
  const settle = () => act(async () => tick())
  return {
    chat,
    asking,
    telegram,
    root,
    field,
    byLabel,
    settle,
    async type(text) {
      await act(async () => {
        // React listens to the value's own setter: write past it, as a browser does.
        Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set?.call(field, text)
        field.dispatchEvent(new Event('input', { bubbles: true }))
      })
    },
    async key(key, init = {}) {
      await act(async () => {
        field.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init }))
        await tick()
      })
    },
    async click(label) {
      const element = byLabel(label)
      if (!element) throw new Error(`nothing is labelled ${label}`)
      await act(async () => {
        element.click()
        await tick()
      })
    },
  }
}

/** Takes down what was put up. */
export async function strike(): Promise<void> {
  await act(async () => mounted?.unmount())
  mounted = null
  document.body.replaceChildren()
  sessionStorage.clear()
  localStorage.clear()
  history.replaceState(null, '', '/')
  await speak('en')
}

/** Long enough for a scene without waits to play to its end. */
export const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

// The one file that knows Telegram's SDK. Every call is guarded: the app is the same app in a plain browser.
import { createPostEvent, on, type PostEventFn, retrieveRawLaunchParams } from '@telegram-apps/sdk-react'
import type { ThemeParams } from './theme.ts'

export type Touch = 'send' | 'choose' | 'failure'

/** What the screens want of Telegram. */
export interface Telegram {
  /** Opened from Telegram: launch parameters were there. */
  readonly inside: boolean
  readonly platform: string
  /** Signed by Telegram, for sign-in only: never logged, never in a URL of ours. */
  readonly initData: string | undefined
  theme(): ThemeParams
  /** Also when the system turns dark or light and Telegram says nothing. */
  onTheme(listener: () => void): () => void
  /** Colours of Telegram's own bars above and below the app. */
  paint(ground: string): void
  touch(kind: Touch): void
  /** Shows Telegram's BackButton while `listener` is set. */
  onBack(listener: () => void): () => void
  openLink(url: string): void
  close(this: void): void
}

const sides = ['top', 'right', 'bottom', 'left'] as const

export function startTelegram(): Telegram {
  const params = launchParams()
  const inside = isLaunch(params)
  const post = poster(inside ? (params.get('tgWebAppVersion') ?? '6.0') : null)
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const themeListeners = new Set<() => void>()
  const backListeners = new Set<() => void>()
  let theme = parsedTheme(params.get('tgWebAppThemeParams'))
  const themed = () => themeListeners.forEach((listener) => listener())

  guarded(() => {
    if (!inside) return
    on('theme_changed', ({ theme_params: changed }) => {
      theme = changed
      themed()
    })
    // The page reads the sum of both: what the phone covers, and what Telegram's own buttons cover.
    on('safe_area_changed', (insets) => setInsets('safe', insets))
    on('content_safe_area_changed', (insets) => setInsets('content', insets))
    on('back_button_pressed', () => [...backListeners].at(-1)?.())
    // Web clients reload a Mini App only after this.
    post((tell) => tell('iframe_ready', { reload_supported: true }))
    post((tell) => tell('web_app_ready'))
    post((tell) => tell('web_app_expand'))
    post((tell) => tell('web_app_setup_swipe_behavior', { allow_vertical_swipe: false }))
    post((tell) => tell('web_app_request_safe_area'))
    post((tell) => tell('web_app_request_content_safe_area'))
    post((tell) => tell('web_app_request_theme'))
  })
  dark.addEventListener('change', themed)

  return {
    inside,
    platform: params.get('tgWebAppPlatform') ?? 'browser',
    initData: params.get('tgWebAppData') ?? undefined,
    theme: () => theme,
    onTheme(listener) {
      themeListeners.add(listener)
      return () => themeListeners.delete(listener)
    },
    paint(ground) {
      if (!isColour(ground)) return
      // By name: old clients know no other way, and `ground` is that colour.
      post((tell) => tell('web_app_set_header_color', { color_key: 'bg_color' }))
      post((tell) => tell('web_app_set_background_color', { color: ground }))
      post((tell) => tell('web_app_set_bottom_bar_color', { color: ground }))
    },
    touch(kind) {
      if (kind === 'choose') post((tell) => tell('web_app_trigger_haptic_feedback', { type: 'selection_change' }))
      else if (kind === 'failure')
        post((tell) => tell('web_app_trigger_haptic_feedback', { type: 'notification', notification_type: 'error' }))
      else post((tell) => tell('web_app_trigger_haptic_feedback', { type: 'impact', impact_style: 'soft' }))
    },
    onBack(listener) {
      backListeners.add(listener)
      post((tell) => tell('web_app_setup_back_button', { is_visible: true }))
      return () => {
        backListeners.delete(listener)
        if (backListeners.size === 0) post((tell) => tell('web_app_setup_back_button', { is_visible: false }))
      }
    },
    openLink(url) {
      const sent = post((tell) => tell('web_app_open_link', { url }))
      if (!sent) window.open(url, '_blank', 'noopener,noreferrer')
    },
    close() {
      if (!post((tell) => tell('web_app_close'))) location.reload()
    },
  }
}

const isLaunch = (params: URLSearchParams): boolean => [...params.keys()].some((key) => key.startsWith('tgWebApp'))

/** Telegram puts them in the hash; the SDK remembers them over reloads and changed addresses. */
function launchParams(): URLSearchParams {
  const hash = new URLSearchParams(location.hash.slice(1))
  if (isLaunch(hash)) {
    // Read by the SDK too, so that it keeps them for a reload whose hash is gone. It is stricter than we need.
    guarded(retrieveRawLaunchParams)
    return hash
  }
  let remembered = ''
  guarded(() => {
    remembered = retrieveRawLaunchParams()
  })
  return new URLSearchParams(remembered)
}

function parsedTheme(text: string | null): ThemeParams {
  let theme: ThemeParams = {}
  guarded(() => {
    const parsed: unknown = JSON.parse(text ?? '{}')
    if (typeof parsed === 'object' && parsed !== null) theme = parsed as ThemeParams
  })
  return theme
}

/** Posts to Telegram, or does nothing where there is none, or one too old for the method. Says whether it was sent. */
function poster(version: string | null): (step: (tell: PostEventFn) => void) => boolean {
  if (version === null) return () => false
  let unsupported = false
  const tell = createPostEvent(version, () => {
    unsupported = true
  })
  return (step) => {
    unsupported = false
    return guarded(() => step(tell)) && !unsupported
  }
}

type Insets = Readonly<Record<(typeof sides)[number], number>>
function setInsets(kind: 'safe' | 'content', insets: Insets): void {
  for (const side of sides) document.documentElement.style.setProperty(`--${kind}-${side}`, `${insets[side]}px`)
}

const isColour = (text: string): text is `#${string}` => text.startsWith('#')

function guarded(step: () => unknown): boolean {
  try {
    step()
    return true
  } catch {
    return false
  }
}

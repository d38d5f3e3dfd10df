// In a chunk of its own: the pages load when the first one is wanted, or when there is time.
import './look/page.css'
import type { Chat } from './chat.ts'
import type { ChatState } from './chat-state.ts'
import { ChatsPage } from './chats-page.tsx'
import { InstructionsPage } from './instructions-page.tsx'
import { Group, Page } from './page.tsx'
import type { PlaceName } from './place.ts'
import { SettingsPage } from './settings-page.tsx'
import type { Telegram } from './telegram.ts'
import { PrivacyPage, TermsPage } from './text-pages.tsx'
import { words } from './words/words.ts'

export interface PageProps {
  readonly chat: Chat
  readonly state: ChatState
  readonly telegram: Telegram
}

export function Pages({ place, ...props }: PageProps & { readonly place: Exclude<PlaceName, 'home'> }) {
  switch (place) {
    case 'chats':
      return <ChatsPage {...props} />
    case 'settings':
      return <SettingsPage {...props} />
    case 'instructions':
      return <InstructionsPage {...props} />
    case 'privacy':
      return <PrivacyPage {...props} />
    case 'terms':
      return <TermsPage {...props} />
    case 'network':
    case 'provide':
      return (
        <Page title={words.shelf[place]} telegram={props.telegram}>
          <Group>
            <p className="padded hint">{words.later[place]}</p>
          </Group>
        </Page>
      )
  }
}

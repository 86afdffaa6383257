import { create } from "zustand";

interface MessagesStore {
  messages: string[];
  addMessage(text: string): void;
}

export const useMessagesStore = create<MessagesStore>((set, get) => ({
  messages: [],
  addMessage: (text) => set({ messages: [...get().messages, text] }),
}));

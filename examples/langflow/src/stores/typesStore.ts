import { create } from "zustand";

interface TypesStore {
  /** The components that this Langflow ships, by type. */
  types: Set<string>;
  setTypes(types: string[]): void;
}

export const useTypesStore = create<TypesStore>((set) => ({
  types: new Set(),
  setTypes: (types) => set({ types: new Set(types) }),
}));

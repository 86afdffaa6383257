import { useId } from "react";
import type { ReactNode } from "react";

interface SwitchProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
  /** A sentence under the label. */
  hint?: ReactNode;
  /** Shows its state, cannot be changed. */
  fixed?: boolean;
  testId: string;
}

/** A switch: a button, so that Enter and Space work and the focus stays where it is. */
export function Switch({ checked, onChange, children, hint, fixed = false, testId }: SwitchProps) {
  const id = useId();
  return (
    <div className="switch">
      <button
        type="button"
        role="switch"
        aria-checked={checked}
        aria-disabled={fixed}
        aria-labelledby={`${id}-label`}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        data-testid={testId}
        onClick={() => {
          if (!fixed) onChange(!checked);
        }}
      >
        <span />
      </button>
      <div>
        <div
          id={`${id}-label`}
          className="switch-label"
          onClick={() => {
            if (!fixed) onChange(!checked);
          }}
        >
          {children}
        </div>
        {hint !== undefined && (
          <div id={`${id}-hint`} className="switch-hint">
            {hint}
          </div>
        )}
      </div>
    </div>
  );
}

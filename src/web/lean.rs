//! What takes std's place in the published module.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::UnsafeCell;
use core::panic::PanicInfo;

/// A panic only traps: the shell sees a `RuntimeError` and switches the client off. Its message would cost 10 KB.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    wasm32::unreachable()
}

/// Bytes of a page of WebAssembly's memory.
const PAGE: usize = 65_536;

/// Blocks are multiples of so many bytes, as a power of two: room for what a free block holds, and no type of ours has a
/// larger alignment.
const GRAIN: u32 = 4;

/// Sizes of blocks: four between a power of two and the next, so that at most a fifth of a block lies idle.
const CLASSES: usize = 128;

/// Memory as blocks of some sizes, each with a list of those that are free. A block keeps its size for ever: what was
/// needed of each at a time is the most that there will be, whatever comes and goes, so that memory stays flat.
///
/// Rejected: to join neighbours that are free. That is most of what `talc`, which was here before, weighed: 0.8 KB. And
/// what a page has most of, batches, come and go in a few sizes.
struct Blocks(UnsafeCell<State>);

struct State {
    /// The first free block of each size; in it is the address of the next. 0 is none.
    free: [usize; CLASSES],
    /// What has never been a block, up to `end`.
    next: usize,
    end: usize,
}

// SAFETY: the module has no threads: its memory is not shared, so nobody else can come in.
unsafe impl Sync for Blocks {}

#[global_allocator]
static BLOCKS: Blocks = Blocks(UnsafeCell::new(State { free: [0; CLASSES], next: 0, end: 0 }));

impl State {
    /// The list of free blocks for that size, and the size of its blocks.
    #[inline(never)]
    fn class(&mut self, size: usize) -> (&mut usize, usize) {
        let last = size.wrapping_sub(1);
        let shift = 29_u32.saturating_sub(last.leading_zeros()).max(GRAIN);
        let part = last >> shift;
        // SAFETY: `last` has at most 32 bits, so that `shift` is at most 29, and `part` at most 7: 123 together.
        let free = unsafe { self.free.get_unchecked_mut(shift as usize * 4 + part) };
        (free, (part + 1) << shift)
    }
}

// SAFETY: a block is handed out to one at a time: it comes from a list, or from what was never a block; it has at least
// the size asked for, and 16 divides its address, since 16 divides all sizes and `PAGE`.
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: nothing else looks at it meanwhile.
        let state = unsafe { &mut *self.0.get() };
        let (free, size) = state.class(layout.size());
        let block = *free;
        if block != 0 {
            // SAFETY: what is in the list is a free block, with the address of the next in it.
            *free = unsafe { *(block as *const usize) };
            return block as *mut u8;
        }
        if size > state.end - state.next {
            let pages = size / PAGE + 1;
            let start = wasm32::memory_grow(0, pages).wrapping_mul(PAGE);
            if start == 0_usize.wrapping_sub(PAGE) {
                // What else could be done about it is what a panic is.
                wasm32::unreachable();
            }
            // At first, and where somebody else had memory grow.
            if start != state.end {
                state.next = start;
            }
            state.end = start + pages * PAGE;
        }
        let block = state.next;
        state.next += size;
        block as *mut u8
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; the block is ours again, and nobody looks into it.
        unsafe {
            let (free, _) = (*self.0.get()).class(layout.size());
            *block.cast() = *free;
            *free = block as usize;
        }
    }

    // What still fits stays: a batch that is closed gives back what its buffer has left, which mostly is within the block.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above; the layout is that of the block, the new one has its alignment, and both blocks have room for
        // what is copied.
        unsafe {
            let state = &mut *self.0.get();
            if state.class(size).1 == state.class(layout.size()).1 {
                return block;
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            moved.copy_from_nonoverlapping(block, size.min(layout.size()));
            self.dealloc(block, layout);
            moved
        }
    }
}

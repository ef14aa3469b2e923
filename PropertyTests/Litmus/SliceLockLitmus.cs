using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary><see cref="SliceLock"/>: one at a time, and who waits for a thread that works in slices waits for one of them.</summary>
public sealed class SliceLockLitmus
{
    private const int Slices = 3;
    private const int Pieces = 2;

    private static readonly Explorer s_explorer = new() { MaxPreemptions = 3, MaxRuns = 1500, RandomRuns = 300 };

    [Fact]
    public void A_guest_waits_for_a_piece_of_the_slice_under_way() => s_explorer.Explore(static () => Run(new Watched())).MustHold();

    [Fact]
    public void Two_guests_and_the_worker_are_in_one_at_a_time() => new Explorer { MaxPreemptions = 2, MaxRuns = 400, RandomRuns = 100 }.Explore(static () => Run(new Watched(), guests: 2)).MustHold();

    /// <summary>That is a plain lock: whoever waits at it waits for the work.</summary>
    [Fact]
    public void A_guest_that_is_not_counted_is_caught() => s_explorer.Explore(static () => Run(new Watched { Counts = false })).MustBeCaught("pieces");

    [Fact]
    public void A_worker_that_does_not_look_between_pieces_is_caught() => s_explorer.Explore(static () => Run(new Watched(), looks: false)).MustBeCaught("pieces");

    private static LitmusRun Run(Watched gate, int guests = 1, bool looks = true)
    {
        int inside = 0, pieces = 0;
        void Visit()
        {
            gate.EnterAsGuest();
            LitmusViolation.Unless(inside++ == 0, "two at a time");

            // The piece that was begun when it was counted, and one that the worker begins because it looked before.
            if (guests == 1) LitmusViolation.Unless(pieces - gate.PiecesAtCount <= 1, $"{pieces - gate.PiecesAtCount} pieces were begun beside a guest");
            Interleaving.Step("visit");
            inside--;
            gate.Exit();
        }

        gate.PiecesNow = () => pieces;
        return new LitmusRun(
        [
            () =>
            {
                for (int s = 0; s < Slices; s++)
                {
                    gate.EnterSlice();
                    LitmusViolation.Unless(inside++ == 0, "two at a time");
                    for (int p = 0; p < Pieces && (p == 0 || !looks || !gate.HasGuests); p++)
                    {
                        pieces++;
                        Interleaving.Step("piece");
                    }

                    inside--;
                    gate.Exit();
                }
            },
            .. Enumerable.Repeat(Visit, guests),
        ]);
    }

    /// <summary>Notes what the worker has begun when a guest is counted.</summary>
    private sealed class Watched : SliceLock
    {
        public bool Counts { get; init; } = true;

        public Func<int> PiecesNow { get; set; } = static () => 0;

        public int PiecesAtCount { get; private set; }

        protected override void Announce()
        {
            if (Counts) base.Announce();
            PiecesAtCount = PiecesNow();
        }

        protected override void Arrived()
        {
            if (Counts) base.Arrived();
        }
    }
}

using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary><see cref="NicGate{TFence}"/>: readers see two numbers equal that the writer changes one after the other.</summary>
public sealed class NicGateLitmus
{
    [Fact]
    public void No_reader_is_inside_while_the_writer_is() => Explorer().Explore(static () => Run(waits: true)).MustHold();

    /// <summary>A reader's R1 is still in its store buffer when the writer looks.</summary>
    [Fact]
    public void A_gate_without_the_fence_is_caught() => Explorer("W2").Explore(static () => Run(waits: true)).MustBeCaught("inside");

    /// <summary>A writer that does not wait for readers that are inside (step W3 left out) must be caught.</summary>
    [Fact]
    public void A_gate_that_does_not_wait_is_caught() => Explorer().Explore(static () => Run(waits: false)).MustBeCaught("inside");

    private static Explorer Explorer(params string[] missing) => new() { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 1500, RandomRuns = 300, MissingFences = missing };

    private static LitmusRun Run(bool waits)
    {
        NicGate<ProcessWideFence> gate = new();

        // Readers that the writer knows nothing of: it looks at another gate.
        NicGate<ProcessWideFence> readers = waits ? gate : new();
        int id = readers.AddReader();
        int left = 0, right = 0;
        return new LitmusRun(
        [
            () =>
            {
                for (int i = 1; i <= 2; i++)
                {
                    gate.Close();
                    Volatile.Write(ref left, i);
                    Interleaving.Step("W4");
                    Volatile.Write(ref right, i);
                    gate.Open();
                }
            },
            () =>
            {
                for (int i = 0; i < 2; i++)
                {
                    readers.Enter(id);
                    int seen = Volatile.Read(ref left);
                    Interleaving.Step("R4");
                    LitmusViolation.Unless(Volatile.Read(ref right) == seen, "a reader was inside together with the writer");
                    readers.Exit(id);
                }
            },
        ]);
    }
}

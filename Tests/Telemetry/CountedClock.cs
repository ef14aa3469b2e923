namespace Mergeflow.Tests;

/// <summary>Time that passes only where a test says so: a fixed number of ticks per reading, and what is added between.</summary>
internal sealed class CountedClock(ulong ticksPerRead)
{
    /// <summary>The time that the last reading gave, and what was added since.</summary>
    public ulong Ticks { get; private set; }

    /// <summary>Readings so far.</summary>
    public ulong Reads { get; private set; }

    public ulong Read()
    {
        Reads++;
        return Ticks += ticksPerRead;
    }

    /// <summary>Work that takes so long.</summary>
    public void Pass(ulong ticks) => Ticks += ticks;
}

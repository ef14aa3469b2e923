using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Xlate;

namespace Mergeflow.Engine.Upcall;

/// <summary>A packet's miss on its way to a handler thread and back.</summary>
internal sealed class UpcallRequest : IDisposable
{
    /// <summary>The packet's key, absent lanes zeroed.</summary>
    public FlowKey Key;

    /// <summary>Length of the packet.</summary>
    public int LengthBytes { get; set; }

    /// <summary>Time of the packet, ms.</summary>
    public long NowMs { get; set; }

    /// <summary>Time of the request by <see cref="Mergeflow.Native.MonotonicClock"/>.</summary>
    public long AskedNs { get; set; }

    /// <summary>The flow that waits, as <see cref="ParkedPackets"/> numbers it.</summary>
    public int Flow { get; set; }

    /// <summary>The answer.</summary>
    public XlateResult Result { get; set; } = new();

    /// <summary>Changes of learned addresses before the translation began.</summary>
    public ulong AddressesSeen { get; set; }

    /// <inheritdoc/>
    public void Dispose() => Result.Dispose();
}

using System.Runtime.CompilerServices;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Pmd;

/// <summary>How packets end: each that came or was made here is carried out, dropped for a cause, or held (<see cref="PmdStats.Ended"/>).</summary>
internal sealed unsafe partial class ActionExecutor
{
    /// <summary>The packet takes no way out.</summary>
    public void Drop(Packet* p)
    {
        CountDrop(p);
        _pool.Return(p);
    }

    /// <summary>Nothing is left to do with the packet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void End(Packet* p)
    {
        Stats.Carried++;
        _pool.Return(p);
    }

    /// <summary>A drop counts for the port that the packet has come in by, too.</summary>
    private void CountDrop(Packet* p)
    {
        Stats.Dropped++;
        Ports[p->Key.InPort.Host]->Dropped++;
    }

    /// <summary>No memory for a packet that was to be made here.</summary>
    private void CountNotMade()
    {
        Stats.Dropped++;
        Stats.NotMade++;
    }

    /// <summary>A copy of the packet, or null when packet memory is exhausted (counted as a drop).</summary>
    private Packet* CloneOf(Packet* p)
    {
        Packet* copy = _pool.Clone(p);
        if (copy == null) CountNotMade();
        else Stats.Made++;
        return copy;
    }
}

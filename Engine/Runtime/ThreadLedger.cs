using Mergeflow.Engine.Pmd;

namespace Mergeflow.Engine.Runtime;

/// <summary>Where the packets of one packet thread are, between two batches.</summary>
/// <param name="Thread">Its number.</param>
/// <param name="Stats">What it has counted.</param>
/// <param name="Held">Packets in its memory: fragments that wait for the rest of their datagram, packets that wait for a translation.</param>
public sealed record ThreadLedger(int Thread, PmdStats Stats, ulong Held)
{
    /// <summary>Packets that came or were made, and have neither ended nor are held.</summary>
    public long Unexplained => (long)(Stats.Rx + Stats.Made - Stats.Ended - Held);

    /// <summary>Packets that were dropped, and those that could not be made, by cause, as far as there are any.</summary>
    public IEnumerable<(string Cause, ulong Packets)> Causes()
    {
        (string, ulong)[] causes =
        [
            ("a meter", Stats.DroppedByMeter), ("too many recirculations", Stats.RecircTooDeep), ("handlers had no room", Stats.UpcallsRefused), ("a tunnel", Stats.DroppedByTunnel),
            ("an action that cannot be carried out", Stats.DroppedByAction), ("no packet memory", Stats.NotMade), ("fragments that came too late", Stats.FragmentsDropped),
        ];
        ulong known = 0;
        foreach ((_, ulong packets) in causes) known += packets;
        (string, ulong)[] all = [("a rule, or none", Stats.Dropped + Stats.FragmentsDropped - known), .. causes];
        return all.Where(static c => c.Item2 > 0);
    }
}

using Mergeflow.Engine.Pmd;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// How often control has been done with all packets that were on their way to it: it has gone a round when it is done with those that there were at the end of the round before. What was named
/// by a packet on its way at some time is not needed after the second round that ends later.
/// </summary>
/// <param name="rings">Of each packet thread.</param>
public sealed class PacketInRounds(PacketInRing[] rings)
{
    private readonly PacketInRing[] _rings = rings;
    private readonly ulong[] _goals = new ulong[rings.Length];
    private ulong _rounds;

    /// <summary>Rounds so far. One thread at a time; control may be in the middle of its work.</summary>
    public ulong Look()
    {
        // Where no packets wait, two rounds have passed with each look.
        if (IsGone()) Begin();
        if (IsGone()) Begin();
        return _rounds;
    }

    private bool IsGone()
    {
        for (int i = 0; i < _rings.Length; i++)
        {
            Interleaving.Step("I1 handled");
            if (_rings[i].HandledBytes < _goals[i]) return false;
        }

        return true;
    }

    private void Begin()
    {
        _rounds++;
        for (int i = 0; i < _rings.Length; i++)
        {
            Interleaving.Step("I2 published");
            _goals[i] = _rings[i].PublishedBytes;
        }
    }
}

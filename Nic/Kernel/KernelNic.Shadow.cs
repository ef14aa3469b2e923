using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <content>Copies of hits, for who checks them.</content>
public sealed partial class KernelNic
{
    private KernelSamples? _samples;

    /// <summary>One in so many hits is copied up, and the first of each rule; 0 = none.</summary>
    public int ShadowOneIn { get; private set; }

    /// <summary>Hits that were to be copied and found no room.</summary>
    public ulong SamplesLost => _samples?.Lost ?? 0;

    /// <summary>Copies one in so many hits from now on, with the first of each rule; 0 = none. By any thread.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void SetShadow(int oneIn)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oneIn);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oneIn, MaxShadowOneIn);
        lock (_sync)
        {
            if (oneIn > 0) _samples ??= new KernelSamples(KernelMemory.PossibleProcessors());
            ShadowOneIn = oneIn;
            if (Swap() is { } refused) throw new IOException(refused.Message);
        }
    }

    /// <summary>Rarer than that is not asked for.</summary>
    public const int MaxShadowOneIn = 1_000_000_000;

    /// <summary>Reads copies until <paramref name="take"/>, which gets what the rule was created with, wants no more; those of rules that are gone are left out. One thread.</summary>
    public void ReadSamples(Func<ulong, KernelSample, bool> take)
    {
        _samples?.Read((slot, serial, sample) =>
        {
            ulong userData;
            lock (_sync)
            {
                if (slot >= (uint)_rules.Length || _rules[slot] is not { } rule || SerialOf(rule.Handle) != serial) return true;
                userData = rule.UserData;
            }

            return take(userData, sample);
        });
    }

    /// <summary>Tells the rules of a slot apart; 0 is a rule that is gone.</summary>
    private static uint SerialOf(NicHandle handle) => (uint)(handle.Value >> SlotBits) | 1u << 31;
}

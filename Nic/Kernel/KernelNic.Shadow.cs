using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <content>Copies of hits, for who checks them and for who looks at them.</content>
public sealed partial class KernelNic
{
    private KernelSamples? _samples;

    /// <summary>One in so many hits is to be checked, and the first of each rule; 0 = none.</summary>
    public int ShadowOneIn { get; private set; }

    /// <summary>One in so many hits is to be looked at; 0 = none.</summary>
    public int CaptureOneIn { get; private set; }

    /// <summary>One in so many hits is copied up, and the first of each rule: enough for both; 0 = none.</summary>
    public int SampledOneIn => ShadowOneIn == 0 ? CaptureOneIn : CaptureOneIn == 0 ? ShadowOneIn : Math.Min(ShadowOneIn, CaptureOneIn);

    /// <summary>Hits that were to be copied and found no room.</summary>
    public ulong SamplesLost => _samples?.Lost ?? 0;

    /// <summary>Copies one in so many hits from now on for who checks, with the first of each rule; 0 = none. By any thread.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void SetShadow(int oneIn) => Sample(oneIn, null);

    /// <summary>The same for who looks.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void SetCapture(int oneIn) => Sample(null, oneIn);

    /// <summary>Rarer than that is not asked for.</summary>
    public const int MaxShadowOneIn = 1_000_000_000;

    /// <summary>
    /// Reads copies until <paramref name="take"/>, which gets what the rule was created with, whether nobody has got a hit of it before, and the copy, wants no more; those of rules that are gone are left out. One thread at a time.
    /// </summary>
    public void ReadSamples(Func<ulong, bool, KernelSample, bool> take)
    {
        _samples?.Read((slot, serial, sample) =>
        {
            ulong userData;
            bool isFirst;
            lock (_sync)
            {
                if (slot >= (uint)_rules.Length || _rules[slot] is not { } rule || SerialOf(rule.Handle) != serial) return true;
                (userData, isFirst) = (rule.UserData, !rule.IsSampled);
                rule.IsSampled = true;
            }

            return take(userData, isFirst, sample);
        });
    }

    /// <summary>Tells the rules of a slot apart; 0 is a rule that is gone.</summary>
    private static uint SerialOf(NicHandle handle) => (uint)(handle.Value >> SlotBits) | 1u << 31;

    private void Sample(int? shadowOneIn, int? captureOneIn)
    {
        foreach (int oneIn in new[] { shadowOneIn ?? 0, captureOneIn ?? 0 })
        {
            ArgumentOutOfRangeException.ThrowIfNegative(oneIn);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(oneIn, MaxShadowOneIn);
        }

        lock (_sync)
        {
            (int shadow, int capture, int before) = (ShadowOneIn, CaptureOneIn, SampledOneIn);
            (ShadowOneIn, CaptureOneIn) = (shadowOneIn ?? shadow, captureOneIn ?? capture);
            if (SampledOneIn == before) return;
            try
            {
                if (SampledOneIn > 0) _samples ??= NewSamples();
                if (Swap(DrawWritten) is { } refused) throw new IOException(refused.Message);
            }
            catch
            {
                (ShadowOneIn, CaptureOneIn) = (shadow, capture);
                throw;
            }

            // What was drawn for another rate may be far away.
            for (int i = 0; i < KernelLayout.MaxProcessors; i++) BinaryPrimitives.WriteInt64LittleEndian(_memory.Control.Span[(KernelLayout.Readers + (i * KernelLayout.ReaderBytes) + KernelLayout.UntilSample)..], 0);
        }
    }
}

using System.Runtime.InteropServices;
using S = Mergeflow.Nic.KernelSamples;

namespace Mergeflow.Nic;

/// <summary>
/// Puts the records of a hit together: what came, and what left. They have the number of their hit; a record whose others found no room in the ring has no part in any pair, whichever rule the hits around it are of.
/// </summary>
/// <param name="processorCount">Each processor's records are in order, those of different ones are not.</param>
internal sealed class KernelSamplePairs(int processorCount)
{
    private const int TagBytes = 4;
    private const int MacsBytes = 12;

    private readonly Half[] _came = [.. Enumerable.Range(0, processorCount).Select(static _ => new Half())];

    /// <summary>Records that were thrown away because another one of their hit is not there.</summary>
    public ulong Unpaired { get; private set; }

    /// <summary>A record of a ring. False if <paramref name="take"/> wants no more; it gets slot and serial number of the rule, and the pair.</summary>
    public bool Take(int processor, long ns, ReadOnlySpan<byte> record, Func<uint, uint, KernelSample, bool> take)
    {
        if (record.Length < S.MetaBytes) return true;
        uint slot = Word(record, S.SlotAt), serial = Word(record, S.SerialAt), port = Word(record, S.PortAt);
        int length = (int)Word(record, S.LengthAt);
        Half came = _came[processor];
        if (Word(record, S.KindAt) == S.Came)
        {
            if (came.IsThere) Unpaired++;
            (came.IsThere, came.Slot, came.Serial, came.Hit) = (true, slot, serial, Word(record, S.HitAt));
            came.Before.Clear();
            came.Sample = new KernelSample { InPort = port, Ns = ns, Frame = FrameOf(record), LengthBytes = LengthOf(record, length), SegmentBytes = (int)Word(record, S.SegmentBytesAt), Packets = Math.Max(1, (int)Word(record, S.SegmentsAt)), Output = [] };
            return true;
        }

        bool isCopy = Word(record, S.KindAt) == S.CopyLeft;
        bool isPair = came.IsThere && came.Slot == slot && came.Hit == Word(record, S.HitAt) && came.Before.Count + (isCopy ? 1 : 0) == Word(record, S.CopiesAt);
        if (isPair && isCopy)
        {
            came.Before.Add(new KernelOutput(port, FrameOf(record), LengthOf(record, length)));
            return true;
        }

        came.IsThere = false;
        if (!isPair)
        {
            Unpaired++;
            return true;
        }

        bool isDrop = port == KernelLayout.NoPort;
        return take(slot, came.Serial, came.Sample with
        {
            Before = [.. came.Before],
            OutPort = isDrop ? null : port,
            Output = isDrop ? [] : FrameOf(record),
            OutputLengthBytes = isDrop ? 0 : LengthOf(record, length),
        });
    }

    private static uint Word(ReadOnlySpan<byte> record, int at) => MemoryMarshal.Read<uint>(record[at..]);

    private static int LengthOf(ReadOnlySpan<byte> record, int length) => Word(record, S.TagAt) == 0 ? length : length + TagBytes;

    /// <summary>The frame with the tag that lies beside it.</summary>
    private static byte[] FrameOf(ReadOnlySpan<byte> record)
    {
        // The kernel pads records; what is behind the frame is not of it.
        int length = Math.Min((int)Word(record, S.LengthAt), Math.Min(S.MaxFrameBytes, record.Length - S.MetaBytes));
        ReadOnlySpan<byte> frame = record.Slice(S.MetaBytes, length);
        if (Word(record, S.TagAt) == 0 || frame.Length < MacsBytes) return frame.ToArray();
        byte[] tagged = new byte[frame.Length + TagBytes];
        frame[..MacsBytes].CopyTo(tagged);
        record.Slice(S.TagAt, TagBytes).CopyTo(tagged.AsSpan(MacsBytes));
        frame[MacsBytes..].CopyTo(tagged.AsSpan(MacsBytes + TagBytes));
        return tagged;
    }

    /// <summary>What the last record of a processor was, if its other half is to come.</summary>
    private sealed class Half
    {
        public bool IsThere;
        public uint Slot;
        public uint Serial;
        public uint Hit;
        public readonly List<KernelOutput> Before = [];
        public KernelSample Sample = null!;
    }
}

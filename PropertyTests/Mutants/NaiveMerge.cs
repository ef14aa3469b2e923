using Mergeflow.Native;

namespace Mergeflow.PropertyTests;

/// <summary>The engine's merge, spoilt by one <see cref="NaiveFault"/>.</summary>
internal sealed class NaiveMerge(IMegaflowSource source, NaiveFault fault) : ITraceMerger
{
    private const ushort FinSynRst = 0x0007;

    /// <summary>Header fields (not metadata) of a flow key: offset and size in bytes.</summary>
    private static readonly (int Offset, int SizeBytes)[] s_fields =
    [
        (0, 6), (6, 6), (14, 2), (33, 1), (40, 1), (41, 1), (44, 4), (48, 4), (52, 2), (54, 2), (56, 2), (64, 16), (80, 16),
    ];

    private readonly TraceMerger _inner = new(source);
    private readonly List<FlowKey> _masks = [];

    public MergeRefusal Refusal => _inner.Refusal;

    public bool TryMerge(Trace trace, MergedFlow rule)
    {
        if (!_inner.TryMerge(trace, rule)) return false;
        switch (fault)
        {
            case NaiveFault.FieldUnion:
                ReplaceMasks(trace, rule);
                break;
            case NaiveFault.NoPullBack:
                TakeMatchesAsTheyWere(trace, rule);
                break;
            case NaiveFault.DropsTtlTosFlags:
                rule.Mask.NwTtl = rule.Mask.NwTos = 0;
                rule.Mask.TcpFlags = default;
                break;
            case NaiveFault.DropsUntagged:
                if (rule.Value.Vlan0Tci.Raw == 0) rule.Mask.Vlan0Tci = default;
                if (rule.Value.Vlan1Tci.Raw == 0) rule.Mask.Vlan1Tci = default;
                break;
            case NaiveFault.HidesFinRst:
                if (rule.Conns.Length > 0) rule.Mask.TcpFlags = Be16.FromHost((ushort)(rule.Mask.TcpFlags.Host & ~FinSynRst));
                break;
            case NaiveFault.UncorrectedBytes:
                foreach (ref MergedPass p in rule.Passes.AsSpan()) p.LengthDeltaBytes = 0;
                foreach (ref MergedConn c in rule.Conns.AsSpan()) c.LengthDeltaBytes = 0;
                break;
            case NaiveFault.KeyWithoutMask:
                MatchUnderOtherMasks(rule);
                break;
        }

        FlowKey.And(ref rule.Value, ref rule.Mask, ref rule.Value);
        return true;
    }

    private void ReplaceMasks(Trace trace, MergedFlow rule)
    {
        FlowKey united = rule.Mask;
        for (int i = 1; i < trace.PassCount; i++)
        {
            FlowKey mask = source.Find(trace.Passes[i].MegaflowId)!.Mask;
            foreach ((int offset, int sizeBytes) in s_fields)
            {
                // What ct pins stays pinned: that is added after the passes.
                bool isTuple = offset is >= 41 and < 56 or >= 64;
                Span<byte> later = mask.Bytes.Slice(offset, sizeBytes);
                if (later.IndexOfAnyExcept((byte)0) < 0 || (isTuple && rule.IsExact)) continue;
                for (int k = 0; k < sizeBytes; k++) rule.Mask.Bytes[offset + k] = (byte)(united.Bytes[offset + k] & later[k]);
            }
        }
    }

    private void TakeMatchesAsTheyWere(Trace trace, MergedFlow rule)
    {
        for (int i = 1; i < trace.PassCount; i++)
        {
            Megaflow m = source.Find(trace.Passes[i].MegaflowId)!;
            FlowKey mask = m.Mask;
            FlowKey value = m.Value;
            foreach ((int offset, int sizeBytes) in s_fields)
            {
                for (int k = offset; k < offset + sizeBytes; k++)
                {
                    rule.Mask.Bytes[k] |= mask.Bytes[k];
                    rule.Value.Bytes[k] = (byte)((rule.Value.Bytes[k] & ~mask.Bytes[k]) | value.Bytes[k]);
                }
            }
        }
    }

    private void MatchUnderOtherMasks(MergedFlow rule)
    {
        FlowKey own = rule.Mask;
        foreach (FlowKey known in _masks)
        {
            FlowKey other = known;
            FlowKey shown = default;
            FlowKey common = default;
            FlowKey.And(ref rule.Value, ref other, ref shown);
            FlowKey.And(ref own, ref other, ref common);
            if (FlowKey.Same(ref shown, ref rule.Value) && FlowKey.Same(ref common, ref other)) rule.Mask = other;
        }

        if (!_masks.Exists(m => FlowKey.Same(ref m, ref own))) _masks.Add(own);
    }
}

namespace Mergeflow.Nic;


/// <summary>The receiving side of a device, for one thread: parse, verify checksums, match, execute.</summary>
public sealed unsafe class NicRxQueue
{
    /// <summary>Bytes that must be free in front of a frame.</summary>
    public const int HeadroomBytes = ActionCompiler.MaxGrowthBytes;

    /// <summary>Longest frame.</summary>
    public const int MaxFrameBytes = 65536;

    private readonly EmulatedNic _nic;
    private readonly int _reader;
    private readonly byte[] _sample = GC.AllocateUninitializedArray<byte>(MaxFrameBytes + (2 * HeadroomBytes), pinned: true);
    private ulong _hits;
    private ulong _hitBytes;
    private ulong _misses;
    private ulong _missBytes;

    internal NicRxQueue(EmulatedNic nic, int reader)
    {
        _nic = nic;
        _reader = reader;
    }

    /// <summary>Totals since the queue was opened.</summary>
    public NicRxStats Stats => new(_hits, _hitBytes, _misses, _missBytes);

    /// <summary>
    /// Receives a frame. On a hit the rule's actions have run (the bytes may have changed, outputs went to <paramref name="sink"/>) and the frame is
    /// done with; on a miss its bytes are untouched and it is software's. The sink must not call the device.
    /// </summary>
    /// <param name="port">Ingress port.</param>
    /// <param name="buffer">Holds the frame and at least <see cref="HeadroomBytes"/> in front of it.</param>
    /// <param name="offset">Where the frame begins in <paramref name="buffer"/>.</param>
    /// <param name="lengthBytes">Length without FCS.</param>
    /// <param name="nowNs">Time on the device clock.</param>
    /// <param name="sink">Takes the outputs.</param>
    /// <param name="info">What the device found out.</param>
    /// <returns>True on a hit.</returns>
    public bool Receive<TSink>(uint port, Span<byte> buffer, int offset, int lengthBytes, long nowNs, ref TSink sink, out NicRxInfo info)
        where TSink : struct, INicSink, allows ref struct
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, HeadroomBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, MaxFrameBytes);
        NicKey key = default;
        bool isWhole = NicParser.Parse(buffer.Slice(offset, lengthBytes), port, _nic.Profile.VlanTags, _nic.Profile.VerifiesChecksums, ref key, out NicParsed parsed);
        if (isWhole && !parsed.IsSnap)
        {
            _nic.Gate.Enter(_reader);
            try
            {
                RuleBlock* rule = _nic.Find(ref key);
                if (rule != null && (rule->MinTtl == 0 || key.Bytes[34] > rule->MinTtl))
                {
                    if (rule->Counts) RuleBlock.Hit(rule, lengthBytes, nowNs, _nic.RefreshEpoch(nowNs));
                    info = new NicRxInfo(0, parsed.RxFlags, new NicHandle(rule->Handle));
                    var editor = new FrameEditor(buffer, offset, lengthBytes, parsed);
                    Execute(RuleBlock.OpsOf(rule), ref editor, ref sink);
                    _hits++;
                    _hitBytes += (uint)lengthBytes;
                    return true;
                }
            }
            finally
            {
                _nic.Gate.Exit(_reader);
            }
        }
        _misses++;
        _missBytes += (uint)lengthBytes;
        info = new NicRxInfo(NicRss.Hash(_nic.RssSeed, ref key, parsed.Headers), parsed.RxFlags, NicHandle.None);
        return false;
    }

    /// <summary>Whether <see cref="Receive"/> would hit now; nothing is counted or changed. For runtimes that must keep the order of packets.</summary>
    public bool WouldHit(uint port, ReadOnlySpan<byte> frame)
    {
        NicKey key = default;
        if (_nic.RuleCount == 0 || !NicParser.Parse(frame, port, _nic.Profile.VlanTags, _nic.Profile.VerifiesChecksums, ref key, out NicParsed parsed) || parsed.IsSnap) return false;
        _nic.Gate.Enter(_reader);
        try
        {
            RuleBlock* rule = _nic.Find(ref key);
            return rule != null && (rule->MinTtl == 0 || key.Bytes[34] > rule->MinTtl);
        }
        finally
        {
            _nic.Gate.Exit(_reader);
        }
    }

    private void Execute<TSink>(Span<NicOp> ops, ref FrameEditor editor, ref TSink sink)
        where TSink : struct, INicSink, allows ref struct
    {
        for (int i = 0; i < ops.Length; i++)
        {
            ref NicOp op = ref ops[i];
            switch (op.Code)
            {
                case NicOpCode.Output:
                    sink.Transmit(op.Argument, editor.Frame);
                    break;
                case NicOpCode.Sample:
                    var copy = new FrameEditor(_sample, HeadroomBytes, editor);
                    Execute(ops.Slice(i + 1, op.NestedCount), ref copy, ref sink);
                    i += op.NestedCount;
                    break;
                default:
                    editor.Apply(ref op);
                    break;
            }
        }
    }
}

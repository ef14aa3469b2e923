using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <summary>
/// Turns a packet's key into a datapath program and the mask of the bits the program depends on (OVS ofproto-dpif-xlate.c). One per thread;
/// reused, so that a translation leaves no garbage behind.
/// </summary>
/// <remarks>
/// <para>Four working copies of the flow carry the bookkeeping, all bit-exact:</para>
/// <code>
/// flow      what OpenFlow sees now             live      bit of flow is still the packet's original bit
/// base      what the datapath's packet holds   baseLive  the same for base
/// </code>
/// <para>
/// A bit that is not live is a constant, or was derived from bits that are in the mask: consulting it costs nothing. A write only clears
/// live: the old value does not matter, because the set action is emitted whatever it was (unless the mask already pins it to the new
/// value). Original bits enter the mask when a rule match, a copy or a condition reads them. Bits that were read only to rule out other
/// rules are kept apart: which of them are read is a choice that may differ between two packets of one megaflow, so no action may
/// depend on it.
/// </para>
/// </remarks>
public sealed unsafe partial class Translator : IDisposable
{
    /// <summary>Nested resubmits to the same or an earlier table, groups and buckets (OVS <c>MAX_DEPTH</c>).</summary>
    public const int MaxDepth = 64;

    /// <summary>Resubmits per translation (OVS <c>MAX_RESUBMITS</c>).</summary>
    public const int MaxResubmits = 64 * 64;

    private const int MaxActions = 8192;
    private const int MaxStack = 4096;
    private const int MaxRecursion = 1024;

    private readonly OfPipeline _pipeline;
    private readonly RecircStore _recircs;
    private readonly LookupScratch _scratch = new();
    private readonly List<UInt128> _stack = [];
    private readonly List<XlateOp> _actionSet = [];
    private readonly List<XlateOp> _frozenOps = [];
    private readonly Stack<List<XlateOp>> _spareLists = new();

    private byte* _memory;
    private readonly byte* _orig;
    private readonly byte* _flow;
    private readonly byte* _live;
    private readonly byte* _base;
    private readonly byte* _baseLive;
    private readonly byte* _wc;
    private readonly byte* _excluded;

    private PipelineSnapshot _tables;
    private XlateResult _out;
    private TagStack _vlans;
    private TagStack _baseVlans;
    private int _nextTagId;
    private bool _isInnerOpen;
    private bool _isTranslated;
    private bool _isBucketError;
    private bool _isStaged;
    private bool _inExec;
    private bool _dirty;
    private bool _conntracked;
    private bool _conntrackedInKey;
    private bool _wasMpls;
    private bool _hasDpHash;
    private bool _actionSetHasGroup;
    private bool _exit;
    private bool _freezing;
    private bool _hashBeforeRecirc;
    private uint _hashAlgorithm;
    private uint _hashBasis;
    private byte _table;
    private int _depth;
    private int _recursion;
    private int _resubmits;
    private int _lengthBytes;
    private long _nowMs;

    /// <summary>
    /// Whether <c>normal</c> learns source addresses: not if no packet is there to learn from (OVS <c>allow_side_effects</c>).
    /// </summary>
    public bool Learns { get; set; } = true;

    /// <summary>A translator for <paramref name="pipeline"/> that puts translations aside in <paramref name="recircs"/>.</summary>
    public Translator(OfPipeline pipeline, RecircStore recircs)
    {
        _recircs = recircs;
        _pipeline = pipeline;
        _tables = pipeline.Snapshot;
        _out = s_none;
        _memory = (byte*)NativeMemory.AlignedAlloc(7 * TranslatorLayout.StrideBytes, 64);
        new Span<byte>(_memory, 7 * TranslatorLayout.StrideBytes).Clear();
        _orig = _memory;
        _flow = _memory + TranslatorLayout.StrideBytes;
        _live = _memory + (2 * TranslatorLayout.StrideBytes);
        _base = _memory + (3 * TranslatorLayout.StrideBytes);
        _baseLive = _memory + (4 * TranslatorLayout.StrideBytes);
        _wc = _memory + (5 * TranslatorLayout.StrideBytes);
        _excluded = _memory + (6 * TranslatorLayout.StrideBytes);
    }

    /// <summary>Frees the working memory if nobody disposed it.</summary>
    ~Translator() => Free();

    /// <summary>Placeholder between translations.</summary>
    private static readonly XlateResult s_none = new();

    /// <summary>
    /// Translates <paramref name="key"/> (absent lanes zero) for a packet of <paramref name="packetLengthBytes"/> bytes at virtual time
    /// <paramref name="nowMs"/>. A failed translation yields an empty program, which drops.
    /// </summary>
    public void Translate(ref FlowKey key, int packetLengthBytes, XlateResult result, long nowMs)
        => Translate(ref key, packetLengthBytes, result, nowMs, ref Unsafe.NullRef<FlowKey>());

    /// <summary>
    /// The same for a packet of a megaflow that exists: the bits of <paramref name="assumed"/> are in its mask already, so rules are ruled out by
    /// them as far as possible. The resulting mask includes them.
    /// </summary>
    internal void Translate(ref FlowKey key, int packetLengthBytes, XlateResult result, long nowMs, ref FlowKey assumed)
    {
        _tables = _pipeline.Snapshot;
        _pipeline.Work.Translations++;
        _out = result;
        _lengthBytes = packetLengthBytes;
        _nowMs = nowMs;
        _isStaged = _pipeline.Options.Quirks.SharesTaggedMegaflows && IsTaggedMpls(ref key);
        TranslateOnce(ref key, result, ref assumed);
        if (result.TagsOverlap && !_isStaged)
        {
            _isStaged = true;
            TranslateOnce(ref key, result, ref assumed);
        }

        FinishMask(ref result.Mask);
        _out = s_none;
    }

    private void TranslateOnce(ref FlowKey key, XlateResult result, ref FlowKey assumed)
    {
        result.Reset();
        result.Bind(_recircs);
        result.TablesVersion = _tables.Version;
        Begin(ref key);
        if (!Unsafe.IsNullRef(ref assumed)) Unsafe.CopyBlock(ref *_excluded, ref Unsafe.As<FlowKey, byte>(ref assumed), FlowKey.SizeBytes);
        if (Resume()) Finish();
        LeaveAbsentTagOut();
        if (result.Error is not null)
        {
            result.Truncate(0);
            result.SlowPath = false;
        }
        else
        {
            UnwrapTrailingClone();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        _scratch.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Begin(ref FlowKey key)
    {
        Unsafe.CopyBlock(ref *_orig, ref Unsafe.As<FlowKey, byte>(ref key), FlowKey.SizeBytes);
        var zero = Vector256<byte>.Zero;
        var ones = Vector256<byte>.AllBitsSet;
        for (int i = 0; i < PipelineFlow.LaneCount; i++)
        {
            Vector256<byte> value = i < FlowKey.LaneCount ? Vector256.Load(_orig + (32 * i)) : zero;
            Vector256<byte> live = i < FlowKey.LaneCount ? ones : zero;
            value.Store(_flow + (32 * i));
            value.Store(_base + (32 * i));
            live.Store(_live + (32 * i));
            live.Store(_baseLive + (32 * i));
            zero.Store(_wc + (32 * i));
            zero.Store(_excluded + (32 * i));
        }

        // Always exact: dl_type, in_port, recirc_id, and nw_frag of IP packets (OVS xlate_wc_init).
        *(ushort*)(_wc + TranslatorLayout.DlType) = ushort.MaxValue;
        if (IsIpType(*(ushort*)(_orig + TranslatorLayout.DlType))) _wc[TranslatorLayout.NwFrag] = (byte)(NwFrag.Any | NwFrag.Later);
        *(ulong*)(_wc + TranslatorLayout.InPort) = ulong.MaxValue;
        _stack.Clear();
        _actionSet.Clear();
        _frozenOps.Clear();
        _dirty = _wasMpls = _hasDpHash = _actionSetHasGroup = _exit = _freezing = _hashBeforeRecirc = _isTranslated = _isBucketError = false;
        (_conntracked, _conntrackedInKey) = (false, true);
        _table = 0;
        _depth = _recursion = _resubmits = _savedCount = 0;
        BeginVlans();
        SetActsetOutput(OfPorts.Unset);
    }

    /// <summary>Runs the packet from table 0, or from where its recirculation id says; false if that is unknown.</summary>
    private bool Resume()
    {
        uint recircId = Read32(_orig, TranslatorLayout.RecircId);
        if (recircId == 0)
        {
            if (!BeginTunnels()) LookupAndRun(0);
            return true;
        }

        FrozenState? state = _recircs.Find(recircId);
        if (state is null)
        {
            Fail($"recirculation context {recircId} not found");
            return false;
        }

        Thaw(state);
        if (state.Ops.Length > 0) Run(state.Ops, isLast: true);
        else LookupAndRun(_table);
        return true;
    }

    private void Finish()
    {
        if (_out.Error is not null) return;
        if (!_freezing) RunActionSet();
        if (_freezing) FinishFreezing();
    }

    private void FinishMask(ref FlowKey mask)
    {
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            (Vector256.Load(_wc + (32 * i)) | Vector256.Load(_excluded + (32 * i))).Store(_wc + (32 * i));
        }

        FinishVlanMask();
        Unsafe.CopyBlock(ref Unsafe.As<FlowKey, byte>(ref mask), ref *_wc, FlowKey.SizeBytes);
    }

    private void Fail(string error) => _out.Error ??= error;

    /// <summary>An error that ends with the bucket it is in (OVS <c>xlate_group_bucket</c>).</summary>
    private void FailInBucket(string error)
    {
        _isBucketError |= _out.Error is null;
        Fail(error);
    }

    private ushort DlTypeHost => BinaryPrimitives.ReverseEndianness(*(ushort*)(_flow + TranslatorLayout.DlType));

    private bool IsIp => DlTypeHost is EthType.Ip or EthType.Ipv6;

    private static bool IsIpType(ushort raw) => BinaryPrimitives.ReverseEndianness(raw) is EthType.Ip or EthType.Ipv6;

    private bool IsMpls => DlTypeHost is EthType.Mpls or EthType.MplsMcast;

    private uint InPort => Read32(_flow, TranslatorLayout.InPort);

    /// <summary>Adds the bits of an 8-byte window (memory order) to the mask, as far as they are the packet's own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Consult(int offset, ulong bits)
    {
        ulong own = Unsafe.ReadUnaligned<ulong>(_live + offset) & bits;
        if (own != 0) Unsafe.WriteUnaligned(_wc + offset, Unsafe.ReadUnaligned<ulong>(_wc + offset) | own);
    }

    /// <summary>In this table what is written to the packet counts as read (OVS <c>mf_mask_field_masked</c>).</summary>
    private bool ReadsWhatItWrites => !_inExec && (_isStaged || _tables.Tables[_table] is { IsStaged: true });

    /// <summary>The bits of an 8-byte window become a constant.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write(int offset, ulong bits, ulong value)
    {
        ulong w = Unsafe.ReadUnaligned<ulong>(_flow + offset);
        Unsafe.WriteUnaligned(_flow + offset, (w & ~bits) | (value & bits));
        Unsafe.WriteUnaligned(_live + offset, Unsafe.ReadUnaligned<ulong>(_live + offset) & ~bits);
    }

    private static uint Read32(byte* flow, int offset) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(flow + offset));

    private void Note(OfRule? rule, string text) => _out.Steps?.Add(new XlateStep(_recursion, _table, rule, text));

    private void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        FreeSaved();
    }
}

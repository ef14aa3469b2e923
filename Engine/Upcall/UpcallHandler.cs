using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <summary>A miss in the megaflow tables: translate, install (OVS upcall + dpif_flow_put).</summary>
public sealed unsafe partial class UpcallHandler : IDisposable
{
    /// <summary>A packet is in at most this many passes at a time, one in the other, and the next upcall has one of its own.</summary>
    private const int MostTranslations = 8;

    private readonly Translator _translator;
    private readonly TranslationPool _translations = new(MostTranslations);
    private readonly RecircStore _recircs;
    private XlateResult _result;

    /// <summary>Packets of megaflows that are gone and did nothing with them, by <see cref="DropReason"/>.</summary>
    private readonly ulong[] _dropped = new ulong[DropReasons.Count];

    public UpcallHandler(OfPipeline pipeline, RecircStore recircs, MegaflowTable megaflows)
    {
        _translator = new Translator(pipeline, recircs) { Backlog = Learning };
        _recircs = recircs;
        Megaflows = megaflows;
        _result = _translations.Rent();
    }

    public MegaflowTable Megaflows { get; }

    public Dpcls Classifier { get; } = new();

    /// <summary>What its packets learn.</summary>
    internal LearnBacklog Learning { get; } = new();

    /// <summary>Who has to be looked at when an address changes.</summary>
    internal MacDependents Dependents { get; } = new();

    /// <summary>Who has to be looked at when a rule changes; null = all.</summary>
    internal MegaflowClasses? Classes { get; set; }

    /// <summary>Subtables from which on a megaflow with a new mask matches whole addresses and ports.</summary>
    public int SubtableLimit { get; init; } = int.MaxValue;

    /// <summary>Megaflows whose mask was widened because there were as many subtables as allowed, see <see cref="SubtableGuard"/>.</summary>
    public ulong WidenedMasks { get; private set; }

    /// <summary>Megaflows of packets that others can find, over all time.</summary>
    public ulong Published { get; private set; }

    /// <summary>Told about every deleted megaflow.</summary>
    public IMegaflowObserver? Observer { get; set; }

    /// <summary>See <see cref="Quirks.PinsVlans"/>.</summary>
    internal bool PinsVlans { get; init; }

    /// <summary>Each megaflow matches one packet alone (OVS <c>upcall/disable-megaflows</c>). Set by the packet thread.</summary>
    internal bool MakesExact { get; set; }

    /// <summary>Told of every miss, by the packet thread; null = nobody listens. Set by the packet thread.</summary>
    internal Action<MissReport>? Told { get; set; }

    /// <summary>Index of the packet thread: it names megaflows to others, see <see cref="MegaflowId"/>.</summary>
    public int Pmd { get; init; }

    /// <summary>Number of the datapath in events and metrics.</summary>
    internal int TelemetryId { get; init; }

    /// <summary>
    /// Translates the packet's key and makes the megaflow, which no packet finds before <see cref="Publish"/>; null when the flow table is full (the program
    /// is then in <see cref="TakeProgram"/>).
    /// </summary>
    public Megaflow? Handle(Packet* p, long nowMs)
        => RecordedMetrics.TimesUpcalls || MergeflowEventSource.Log.IsOn(MergeflowEventSource.Keywords.Upcall) ? ReportHandle(p, nowMs) : Install(p, nowMs);

    private Megaflow? ReportHandle(Packet* p, long nowMs)
    {
        long startNs = MonotonicClock.NowNs;
        Megaflow? m = Install(p, nowMs);
        long durationNs = MonotonicClock.NowNs - startNs;
        RecordedMetrics.Upcall(durationNs);
        MergeflowEventSource.Log.Upcall(TelemetryId, m is null ? -1 : MegaflowId.Of(Pmd, m.Id), _result.Rules.Count, _result.Actions.Length, durationNs);
        return m;
    }

    private Megaflow? Install(Packet* p, long nowMs)
    {
        FlowKey key = ExpandKey(p);
        _translator.Translate(ref key, p->LengthBytes, _result, nowMs);
        return Install(p, ref key, _result, nowMs);
    }

    private Megaflow? Install(Packet* p, ref FlowKey key, XlateResult result, long nowMs)
    {
        if (MakesExact) result.Mask = ExactMask.Of(key);
        else if (PinsVlans) PinVlan(ref result.Mask, isTagged: key.Vlan0Tci.Raw != 0);
        Told?.Invoke(new MissReport(key, result.Mask, result.Actions.ToArray()));

        // This packet counts for the rules that it went through now (OVS upcall_xlate); the megaflow reports those after it.
        result.CountPacket(p->LengthBytes, nowMs);

        Megaflow? m = Add(ref key, result, p->LengthBytes, nowMs);
        if (m is null) return null;
        (m.SettledPackets, m.SettledBytes) = (1, (uint)p->LengthBytes);
        result.ReleaseRecircIds();
        return m;
    }

    /// <summary>Of an untagged packet nothing of a tag is asked but that there is none, and of a tagged one that there is one if anything is (OVS <c>xlate_wc_finish</c>).</summary>
    private static void PinVlan(ref FlowKey mask, bool isTagged)
    {
        if (!isTagged || mask.Vlan0Tci.Raw == 0) mask.Vlan0Tci = Be16.FromHost(KeyMasks.VlanPresent | 0xfff);
        else mask.Vlan0Tci = Be16.FromHost((ushort)(mask.Vlan0Tci.Host | KeyMasks.VlanPresent));
    }

    /// <summary>
    /// Makes the megaflow of a translation that a handler has done; as <see cref="Handle"/>. The packet's later upcalls may be inline, so a translation that finds no room becomes that of
    /// <see cref="TakeProgram"/>.
    /// </summary>
    internal Megaflow? Handle(Packet* p, UpcallRequest answer, long nowMs)
    {
        Megaflow? m = Install(p, ref answer.Key, answer.Result, nowMs);
        if (m is null) (answer.Result, _result) = (_result, answer.Result);
        if (!RecordedMetrics.TimesUpcalls && !MergeflowEventSource.Log.IsOn(MergeflowEventSource.Keywords.Upcall)) return m;
        long durationNs = MonotonicClock.NowNs - answer.AskedNs;
        XlateResult result = m is null ? _result : answer.Result;
        RecordedMetrics.Upcall(durationNs);
        MergeflowEventSource.Log.Upcall(TelemetryId, m is null ? -1 : MegaflowId.Of(Pmd, m.Id), result.Rules.Count, result.Actions.Length, durationNs);
        return m;
    }

    /// <summary>
    /// A translation may contradict what this thread's megaflows agree with already: then nobody would look at the megaflow that is made of it. One that is newer, or older than a change that
    /// they do not agree with yet, is looked at with them.
    /// </summary>
    internal bool IsStale(UpcallRequest answer)
        => answer.Result.TablesVersion < SeenVersion || (answer.Result.AskedAddresses.Count > 0 && answer.AddressesSeen < SeenAddresses);

    /// <summary>The version of the tables that the megaflows agree with, or are in doubt for.</summary>
    internal ulong SeenVersion { get; set; }

    /// <summary>Changes of learned addresses of which the dependents have been looked up.</summary>
    internal ulong SeenAddresses { get; set; }

    /// <summary>
    /// Lets packets find a new megaflow: when its packet is through, all its later passes included, as those do not meet the decisions that they came
    /// of (OVS <c>handle_packet_upcall</c>). If one of them has made a megaflow that fits this packet too, that one stays.
    /// </summary>
    /// <param name="m">What <see cref="Handle"/> made.</param>
    /// <param name="published"><see cref="Published"/> at that time.</param>
    public void Publish(Megaflow m, ulong published)
    {
        if (published != Published)
        {
            FlowKey key = m.FullKey;
            ulong probed = 0;
            if (Classifier.Lookup(ref key, FlowKey.LaneMap(ref key) | FlowKey.HotLanes, ref probed) >= 0)
            {
                Retire(m);
                return;
            }
        }

        // Flags are those of the packets behind the one that made it, as its counters are.
        m.Hot->TcpFlags = 0;
        Published++;
        Classifier.Insert(m);
    }

    /// <summary>
    /// Puts a megaflow with another program in the place of one: the next packet finds it and needs no upcall (OVS <c>UKEY_MODIFY</c>). What
    /// the old one has counted is its own matter.
    /// </summary>
    public void Replace(Megaflow old, XlateResult result, long nowMs)
    {
        FlowKey key = old.FullKey;
        Heritage heritage = HeritageOf(old);
        Delete(old);
        if (Add(ref key, result, old.FullLengthBytes, nowMs) is not { } m) return;
        Classifier.Insert(m);
        m.HasReported = true;
        heritage.PassTo(m);
    }

    private Megaflow? Add(ref FlowKey key, XlateResult result, int lengthBytes, long nowMs)
    {
        if (InstallsNothing) return null;
        if (Classifier.SubtableCount >= SubtableLimit && !Classifier.HasSubtable(ref result.Mask, ref key) && SubtableGuard.Widen(ref result.Mask)) WidenedMasks++;
        Megaflow? m = Megaflows.Add(ref key, ref result.Mask, ProgramOf(result), nowMs);
        if (m is null) return null;
        m.FullLengthBytes = lengthBytes;
        m.DropReason = (byte)(result.Actions.IsEmpty ? DropReasons.Of(result.Error) : DropReason.None);
        foreach (uint id in m.RecircIds) _recircs.Acquire(id);
        m.Visited = result.Visited;
        Classes?.Add(m);
        Dependents.Set(m, result.AskedAddresses);
        return m;
    }

    /// <summary>What a megaflow takes over of a translation, besides its mask.</summary>
    internal static MegaflowProgram ProgramOf(XlateResult result) => new()
    {
        Actions = result.Actions,
        Rules = CollectionsMarshal.AsSpan(result.Rules),
        Groups = CollectionsMarshal.AsSpan(result.Groups),
        RecircIds = CollectionsMarshal.AsSpan(result.RecircIds),
        Learned = CollectionsMarshal.AsSpan(result.Learned),
        LearnedRules = CollectionsMarshal.AsSpan(result.LearnedRules),
        FinTimeouts = CollectionsMarshal.AsSpan(result.FinTimeouts),
        FromSlowPath = result.SlowPath,
        IsSlowByOrder = result.IsSlowByOrder,
        TagsOverlap = result.TagsOverlap,
        TagIsOpen = result.TagIsOpen,
    };

    /// <summary>Deletes a megaflow: no packet finds it any more.</summary>
    public void Delete(Megaflow m)
    {
        if (m.Dead) return;
        Classifier.Remove(m);
        Retire(m);
    }

    /// <summary>Adds packets of megaflows that do nothing with them, by <see cref="DropReason"/>. By the packet thread.</summary>
    internal void AddDropped(Span<ulong> into)
    {
        for (int i = 0; i < into.Length; i++) into[i] += _dropped[i];
        for (int id = 0; id < Megaflows.HighWater; id++)
        {
            if (Megaflows[id] is { Dead: false, DropReason: not 0 } m) into[m.DropReason] += Megaflows.CountersOf(m).Packets;
        }
    }

    private void Retire(Megaflow m)
    {
        Dependents.Remove(m);
        Classes?.Remove(m);
        if (m.DropReason != 0) _dropped[m.DropReason] += Megaflows.CountersOf(m).Packets;

        // Dead first, told then: a rule that is being installed meanwhile finds the generation moved when it re-checks.
        Megaflows.Delete(m);
        Observer?.OnMegaflowDeleted(MegaflowId.Of(Pmd, m.Id));
        foreach (uint id in m.RecircIds) _recircs.Release(id);
    }

    /// <summary>Translates the rest of a packet's way, or actions that control gives, into the packet's own program; it counts for the rules that it goes through.</summary>
    internal UninstalledProgram Resume(FrozenState state, Packet* p, long nowMs)
    {
        FlowKey key = ExpandKey(p);
        _translator.Resume(state, ref key, p->LengthBytes, _result, nowMs);
        _result.CountPacket(p->LengthBytes, nowMs);
        return TakeProgram();
    }

    /// <summary>Hands over the program of the last <see cref="Handle"/>, which gave no megaflow.</summary>
    public UninstalledProgram TakeProgram()
    {
        UninstalledProgram program = new(_result);
        _result = _translations.Rent();
        return program;
    }

    /// <summary>The packet is through with its program.</summary>
    public void Return(in UninstalledProgram program) => _translations.Return(program.Translation);

    /// <summary>The packet's key with absent lanes zeroed.</summary>
    public static FlowKey ExpandKey(Packet* p)
    {
        FlowKey key = default;
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            if ((p->KeyLanes >> i & 1) != 0) FlowKey.Lane(ref key, i) = FlowKey.Lane(ref p->Key, i);
        }
        return key;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Classifier.Dispose();
        Classes?.Dispose();
        _result.Dispose();
        _translations.Dispose();
    }
}

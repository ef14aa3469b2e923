using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <summary>What one translation is of and where it stands (OVS <c>struct xlate_ctx</c>): what all parts of a translator share besides the flow.</summary>
internal sealed class XlateContext(OfPipeline pipeline, XlateFlow flow)
{
    /// <summary>Placeholder between translations.</summary>
    private static readonly XlateResult s_none = new();

    /// <summary>No rule yet.</summary>
    private static readonly XlateOp s_start = XlateOp.UnrollTo(0, ulong.MaxValue);

    private readonly OfPipeline _home = pipeline;
    private bool _isBucketError;

    /// <summary>The bridge whose tables are read; a patch leads to another one.</summary>
    public OfPipeline Pipeline { get; private set; } = pipeline;

    public XlateFlow Flow { get; } = flow;

    /// <summary>Which port is which bridge's, from the translation's start to its end.</summary>
    public BackerPorts Ports { get; private set; } = pipeline.Backer.Ports;

    /// <summary>Version of all tables before any of them was read.</summary>
    public ulong Version { get; private set; }

    /// <summary>The packet is as OpenFlow has it, and comes by a port of a bridge that is known; else its port is one of the datapath.</summary>
    public bool IsOfBridge { get; set; }

    /// <summary>The tables that are read, of a bridge from where it is entered until it is left.</summary>
    public PipelineSnapshot Tables { get; private set; } = pipeline.Snapshot;

    /// <summary>What comes out.</summary>
    public XlateResult Out { get; private set; } = s_none;

    public long NowMs { get; private set; }

    /// <summary>The table whose rule is running.</summary>
    public byte Table { get; set; }

    /// <summary>The rule that is running; null where a frozen list runs.</summary>
    public OfRule? Rule { get; set; }

    /// <summary>What brings a list back to the table and the rule that are running.</summary>
    public XlateOp Unroll { get; set; } = s_start;

    /// <summary>The action set is running.</summary>
    public bool InActionSet { get; set; }

    /// <summary>Nothing may happen: no packet is there (OVS <c>allow_side_effects</c> and <c>xcache</c>).</summary>
    public bool IsSilent { get; set; }

    /// <summary>A packet is there that waits for the translation.</summary>
    public bool HasPacket { get; set; }

    /// <summary>Lists that are running, one in the other.</summary>
    public int Recursion { get; set; }

    /// <summary>Where the next step of an explanation stands: how many others it is in.</summary>
    public int Level { get; set; }

    /// <summary>The translation is explained.</summary>
    public bool IsExplained => Out.Steps is not null;

    /// <summary>All lookups read what Open vSwitch's do, because megaflows of tagged packets overlap.</summary>
    public bool IsStaged { get; set; }

    /// <summary>Mirrors that have their copy already, a bit each.</summary>
    public uint Mirrored { get; set; }

    /// <summary>Bytes that outputs are cut to: a mirror is getting its copy. 0 = none.</summary>
    public ushort SnapBytes { get; set; }

    /// <summary>The actions of a <c>ct(exec)</c> are running: they write connections, not packets.</summary>
    public bool InExec { get; set; }

    /// <summary>In this table what is written to the packet counts as read (OVS <c>mf_mask_field_masked</c>).</summary>
    public bool ReadsWhatItWrites => !InExec && (IsStaged || Tables.Table(Table) is { IsStaged: true });

    /// <summary>A translation starts, with the tables as they are now.</summary>
    public void Begin(XlateResult result, long nowMs)
    {
        Version = _home.Backer.Version;
        Ports = _home.Backer.Ports;
        (Pipeline, Tables) = (_home, _home.Snapshot);
        Pipeline.Work.Translations++;
        (Out, NowMs) = (result, nowMs);
    }

    /// <summary>From here on another bridge's tables are read.</summary>
    public void Enter(OfPipeline bridge)
    {
        if (bridge != Pipeline) Enter(bridge, bridge.Snapshot);
    }

    /// <summary>The same, with tables that have been read before.</summary>
    public void Enter(OfPipeline bridge, PipelineSnapshot tables) => (Pipeline, Tables) = (bridge, tables);

    /// <summary>The packet goes through the tables once more, from the beginning.</summary>
    public void Restart()
    {
        _isBucketError = false;
        (Mirrored, SnapBytes) = (0, 0);
        Table = 0;
        Rule = null;
        Unroll = s_start;
        InActionSet = false;
        Recursion = 0;
        Level = 0;
    }

    /// <summary>The translation is over.</summary>
    public void End() => Out = s_none;

    /// <summary>Nothing is translated any more, the packet drops; the first reason stays.</summary>
    /// <param name="error">In a few words (OVS <c>xlate_strerror</c>).</param>
    /// <param name="text">What is told of it.</param>
    /// <param name="isLogged">Also where nobody has asked for an explanation.</param>
    public void Fail(string error, string text, bool isLogged = false)
    {
        Out.Error ??= error;
        Error(text);
        if (isLogged && HasPacket) Complain(text);
    }

    private unsafe void Complain(string text) => Pipeline.Backer.Complained?.Invoke(new TranslationComplaint(Pipeline, text, *(PipelineFlow*)Flow.Base, Flow.Layers.ToldType));

    /// <summary>An error that ends with the bucket it is in (OVS <c>xlate_group_bucket</c>).</summary>
    public void FailInBucket(string error, string text, bool isLogged = false)
    {
        _isBucketError |= Out.Error is null;
        Fail(error, text, isLogged);
    }

    /// <summary>A bucket is over.</summary>
    public void EndBucket()
    {
        if (!_isBucketError) return;
        Out.Error = null;
        _isBucketError = false;
    }

    /// <summary>Explains what happened, if that is wanted.</summary>
    public void Detail(string text) => Step(XlateStepKind.Detail, text);

    /// <summary>The same with a text that is only put together then.</summary>
    public void Detail([InterpolatedStringHandlerArgument("")] ref XlateNote text)
    {
        if (IsExplained) Step(XlateStepKind.Detail, text.Take());
    }

    /// <summary>Explains why something is left out.</summary>
    public void Warn(string text) => Step(XlateStepKind.Warn, text);

    /// <summary>The same with a text that is only put together then.</summary>
    public void Warn([InterpolatedStringHandlerArgument("")] ref XlateNote text)
    {
        if (IsExplained) Step(XlateStepKind.Warn, text.Take());
    }

    /// <summary>Explains why something cannot be.</summary>
    public void Error(string text) => Step(XlateStepKind.Error, text);

    /// <summary>The same with a text that is only put together then.</summary>
    public void Error([InterpolatedStringHandlerArgument("")] ref XlateNote text)
    {
        if (IsExplained) Step(XlateStepKind.Error, text.Take());
    }

    /// <summary>What a field holds now.</summary>
    public unsafe void Shows(Subfield range)
    {
        if (IsExplained) Step(new XlateStep(XlateStepKind.Detail, Level, "") { Range = range, Value = new BitRange(range).Read(Flow.Current) });
    }

    /// <summary>A table has been looked up; what is told from here on is in it. Whoever calls goes back to the level before.</summary>
    public void Found(byte table, OfRule? rule, string miss)
    {
        if (IsExplained) Step(new XlateStep(XlateStepKind.Table, Level, rule is null ? miss : "") { Table = table, Rule = rule });
        Level++;
    }

    /// <summary>A list without actions has run (OVS <c>do_xlate_actions</c>).</summary>
    public void Dropped() => Step(XlateStepKind.Action, "drop");

    /// <summary>A step as it is, at the current level.</summary>
    public void Step(XlateStep step) => Out.Steps?.Add(step);

    private void Step(XlateStepKind kind, string text) => Out.Steps?.Add(new XlateStep(kind, Level, text));
}

using System.Runtime.CompilerServices;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <summary>What one translation is of and where it stands (OVS <c>struct xlate_ctx</c>): what all parts of a translator share besides the flow.</summary>
internal sealed class XlateContext(OfPipeline pipeline, XlateFlow flow)
{
    /// <summary>Placeholder between translations.</summary>
    private static readonly XlateResult s_none = new();

    /// <summary>No rule yet.</summary>
    private static readonly XlateOp s_start = XlateOp.UnrollTo(0, 0);

    private bool _isBucketError;

    public OfPipeline Pipeline { get; } = pipeline;

    public XlateFlow Flow { get; } = flow;

    /// <summary>The tables that are read, from the translation's start to its end.</summary>
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

    /// <summary>Lists that are running, one in the other.</summary>
    public int Recursion { get; set; }

    /// <summary>All lookups read what Open vSwitch's do, because megaflows of tagged packets overlap.</summary>
    public bool IsStaged { get; set; }

    /// <summary>The actions of a <c>ct(exec)</c> are running: they write connections, not packets.</summary>
    public bool InExec { get; set; }

    /// <summary>In this table what is written to the packet counts as read (OVS <c>mf_mask_field_masked</c>).</summary>
    public bool ReadsWhatItWrites => !InExec && (IsStaged || Tables.Table(Table) is { IsStaged: true });

    /// <summary>A translation starts, with the tables as they are now.</summary>
    public void Begin(XlateResult result, long nowMs)
    {
        Tables = Pipeline.Snapshot;
        Pipeline.Work.Translations++;
        (Out, NowMs) = (result, nowMs);
    }

    /// <summary>The packet goes through the tables once more, from the beginning.</summary>
    public void Restart()
    {
        _isBucketError = false;
        Table = 0;
        Rule = null;
        Unroll = s_start;
        InActionSet = false;
        Recursion = 0;
    }

    /// <summary>The translation is over.</summary>
    public void End() => Out = s_none;

    /// <summary>Nothing is translated any more, the packet drops; the first reason stays.</summary>
    public void Fail(string error) => Out.Error ??= error;

    /// <summary>An error that ends with the bucket it is in (OVS <c>xlate_group_bucket</c>).</summary>
    public void FailInBucket(string error)
    {
        _isBucketError |= Out.Error is null;
        Fail(error);
    }

    /// <summary>A bucket is over.</summary>
    public void EndBucket()
    {
        if (!_isBucketError) return;
        Out.Error = null;
        _isBucketError = false;
    }

    /// <summary>Explains what happened, if that is wanted.</summary>
    public void Note(OfRule? rule, string text) => Out.Steps?.Add(new XlateStep(Recursion, Table, rule, text));

    /// <summary>The same with a text that is only put together then.</summary>
    public void Note(OfRule? rule, [InterpolatedStringHandlerArgument("")] ref XlateNote text)
    {
        if (Out.Steps is { } steps) steps.Add(new XlateStep(Recursion, Table, rule, text.Take()));
    }
}

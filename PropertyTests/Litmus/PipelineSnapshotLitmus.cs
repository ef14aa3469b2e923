using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>A translator on a thread of its own, while rules are modified: each translation is of one state of the tables.</summary>
public sealed class PipelineSnapshotLitmus
{
    private const int Changes = 400;
    private const int MinTranslations = 400;

    [Fact]
    public void A_batch_is_seen_whole_or_not_at_all() => Assert.Equal(0, Race(inOneBatch: true));

    /// <summary>Two batches must be seen apart, as a translation begins and ends between them: the test can tell.</summary>
    [Fact]
    public void Two_batches_are_seen_apart() => Assert.True(Race(inOneBatch: false) > 0, "the broken twin was not caught");

    private static int Race(bool inOneBatch)
    {
        var parser = new FlowTextParser();
        var pipeline = new OfPipeline(new PipelineOptions { Ports = [.. Enumerable.Range(1, 3).Select(static n => new PipelinePort($"p{n}", (uint)n))] });
        pipeline.ApplyAll(parser.ParseFlows("table=0 actions=resubmit(,1),resubmit(,2)\ntable=1 actions=output:2\ntable=2 actions=output:2"));
        FlowMod[][] mods = [Mods(2), Mods(3)];
        int mixed = 0, translations = 0;
        bool stop = false;
        var thread = new Thread(() =>
        {
            var translator = new Translator(pipeline, new RecircStore());
            using var result = new XlateResult();
            while (!Volatile.Read(ref stop))
            {
                FlowKey key = default;
                key.InPort = Be32.FromHost(1);
                translator.Translate(ref key, 60, result, 0);
                uint[] ports = [.. result.Actions.ToArray().Where(static a => a.Op == DpOp.Output).Select(static a => a.Port)];
                if (ports.Length != 2 || ports[0] != ports[1]) Volatile.Write(ref mixed, mixed + 1);
                Volatile.Write(ref translations, translations + 1);
            }
        });
        thread.Start();
        for (int i = 0; (i < Changes || Volatile.Read(ref translations) < MinTranslations) && Volatile.Read(ref mixed) == 0; i++)
        {
            FlowMod[] batch = mods[(i + 1) & 1];
            if (inOneBatch) pipeline.ApplyAll(batch);
            else
            {
                pipeline.Apply(batch[0]);
                int until = Volatile.Read(ref translations) + 2;
                for (SpinWait spin = default; Volatile.Read(ref translations) < until;) spin.SpinOnce();
                pipeline.Apply(batch[1]);
            }
        }

        Volatile.Write(ref stop, true);
        thread.Join();
        return mixed;

        FlowMod[] Mods(int port) => [parser.ParseFlow($"modify table=1 actions=output:{port}"), parser.ParseFlow($"modify table=2 actions=output:{port}")];
    }
}

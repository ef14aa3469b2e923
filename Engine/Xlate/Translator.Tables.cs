using Mergeflow.Engine.Actions;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <content>Tables and resubmission (OVS <c>xlate_table_action</c>), with their limits.</content>
public sealed partial class Translator
{
    /// <summary>Behind it is the one that Open vSwitch keeps for itself.</summary>
    private const byte LastTable = 253;

    private void Resubmit(XlateOp op, bool isLast)
    {
        byte table = op.Arg == 255 ? _context.Table : (byte)op.Arg;
        EnterTable(op.Arg2, table, op.Action is OfResubmit { WithCtTuple: true }, isLast);
    }

    /// <summary>Looks up <paramref name="table"/> and runs what is found; a miss does nothing. <paramref name="inPort"/>: 1 + port, 0 = the flow's. <paramref name="onCopy"/>: the rule's actions work on a copy.</summary>
    private void EnterTable(uint inPort, byte table, bool withCtTuple, bool isLast, bool tellsMiss = false, bool onCopy = false)
    {
        if (_labels.WasMpls)
        {
            _freezer.Trigger();
            return;
        }

        if (!MayResubmit()) return;
        byte old = _context.Table;
        if (withCtTuple && !_lookup.SwapCtTuple()) return;
        bool isTold = false;
        OfRule? rule = tellsMiss ? FindOnward(inPort, ref table, isFirst: false, out isTold) : _lookup.Find(inPort, table);
        if (withCtTuple) _lookup.SwapTuples();
        _context.Table = table;
        _context.Found(table, rule, MissOf(isTold));
        if (rule is not null)
        {
            bool deepens = table <= old;
            _resubmits++;
            if (deepens) _depth++;
            RunRule(rule, isLast, onCopy: onCopy);
            if (deepens) _depth--;
        }
        else
        {
            Miss(isTold);
        }

        _context.Level--;
        _context.Table = old;
    }

    /// <summary>The first lookup of a pass: no limits apply.</summary>
    private void LookupAndRun(byte table, bool isFirst = false)
    {
        OfRule? rule = FindOnward(0, ref table, isFirst, out bool isTold);
        _context.Table = table;
        _context.Found(table, rule, MissOf(isTold));
        if (rule is not null) RunRule(rule, isLast: true, stays: true);
        else Miss(isTold);
    }

    /// <summary>Looks table 0 up and runs nothing, as Open vSwitch does with a packet that it drops for its congestion mark.</summary>
    private void Look()
    {
        OfRule? rule = _lookup.Find(0, 0);
        _context.Found(0, rule, MissOf(isTold: false));
    }

    /// <summary>What is told of a table without a rule.</summary>
    private string MissOf(bool isTold) => _lookup.IsDropped ? "Packets are IP fragments and the fragment handling mode is \"drop\"." : isTold ? "No match, and a \"packet-in\" is called for." : "No match.";

    /// <summary>Looks up a table, and the next ones as long as tables are to be passed by; whether a miss is for controllers, as before OpenFlow 1.3 (OVS <c>miss_rule</c>).</summary>
    private OfRule? FindOnward(uint inPort, ref byte table, bool isFirst, out bool isTold)
    {
        PacketTreatment treatment = _context.Tables.Treatment;
        isTold = false;
        while (true)
        {
            OfRule? rule = _lookup.Find(inPort, table, isFirst);
            if (rule is not null || _lookup.IsDropped) return rule;
            TableMiss miss = treatment.Misses?.Of(table) ?? TableMiss.Default;
            if (miss != TableMiss.Continue || table >= LastTable)
            {
                isTold = miss == TableMiss.Default ? treatment.TellsMisses : miss != TableMiss.Drop;
                return null;
            }

            table++;
        }
    }

    private void Miss(bool isTold)
    {
        if (!isTold)
        {
            _context.Dropped();
            return;
        }

        _context.Step(new XlateStep(XlateStepKind.Action, _context.Level, "CONTROLLER:65535"));
        (OfRule? outer, XlateOp outerUnroll) = (_context.Rule, _context.Unroll);
        (_context.Rule, _context.Unroll) = (null, XlateOp.UnrollTo(_context.Table, cookie: 0));
        _transmitter.Tell(ushort.MaxValue, PacketInReason.NoMatch, 0, "", null);
        (_context.Rule, _context.Unroll) = (outer, outerUnroll);
    }

    /// <param name="rule">What was found.</param>
    /// <param name="isLast">Nothing follows.</param>
    /// <param name="stays">What comes after its actions, an action set for example, is its doing too.</param>
    /// <param name="onCopy">They work on a copy.</param>
    private void RunRule(OfRule rule, bool isLast, bool stays = false, bool onCopy = false)
    {
        _context.Out.Rules.Add(rule);
        (OfRule? outer, XlateOp outerUnroll, int bucketDepth) = (_context.Rule, _context.Unroll, _bucketDepth);

        // What a rule does is the rule's, also when a bucket has sent the packet there.
        (_context.Rule, _context.Unroll, _bucketDepth) = (rule, rule.Unroll, 0);
        if (onCopy) RunOnCopy(rule.Program, XlateCompiler.IsReversible(rule.Program), isLast);
        else Run(rule.Program, isLast);
        _bucketDepth = bucketDepth;
        if (!stays) (_context.Rule, _context.Unroll) = (outer, outerUnroll);
    }

    private bool MayResubmit()
    {
        if (_depth >= MaxDepth) _context.Fail("Recursion too deep", "over max translation depth 64");
        else if (_resubmits >= MaxResubmits) _context.Fail("Too many resubmits", "over 4096 resubmit actions");
        else if (_context.Out.Count >= MaxActions)
        {
            _context.Error("resubmits yielded over 64 kB of actions");
            _freezer.Exit = true;
        }
        else if (_stack.Count >= MaxStack)
        {
            _context.Fail("Stack too deep", "resubmits yielded over 64 kB of stack");
        }
        else return true;
        return false;
    }
}

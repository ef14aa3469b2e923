using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <content>Table lookups and resubmission (OVS <c>xlate_table_action</c>).</content>
public sealed unsafe partial class Translator
{
    private void Resubmit(XlateOp op, bool isLast)
    {
        byte table = op.Arg == 255 ? _table : (byte)op.Arg;
        EnterTable(op.Arg2, table, op.Action is OfResubmit { WithCtTuple: true }, isLast);
    }

    /// <summary>Looks up <paramref name="table"/> and runs what is found; a miss does nothing. <paramref name="inPort"/>: 1 + port, 0 = the flow's.</summary>
    private void EnterTable(uint inPort, byte table, bool withCtTuple, bool isLast)
    {
        if (_wasMpls)
        {
            TriggerFreeze();
            return;
        }

        if (!MayResubmit()) return;
        byte old = _table;
        if (withCtTuple && !SwapCtTuple()) return;
        OfRule? rule = Lookup(inPort, table);
        if (withCtTuple) SwapTuples();
        _table = table;
        if (rule is not null)
        {
            bool deepens = table <= old;
            _resubmits++;
            if (deepens) _depth++;
            RunRule(rule, isLast);
            if (deepens) _depth--;
        }

        _table = old;
    }

    /// <summary>The first lookup of a pass: no limits apply.</summary>
    private void LookupAndRun(byte table)
    {
        _table = table;
        OfRule? rule = Lookup(0, table);
        if (rule is not null) RunRule(rule, isLast: true);
    }

    private void RunRule(OfRule rule, bool isLast)
    {
        _out.Rules.Add(rule);
        Run(rule.Program, isLast);
    }

    private bool MayResubmit()
    {
        if (_depth >= MaxDepth) Fail("over max translation depth 64");
        else if (_resubmits >= MaxResubmits) Fail("over 4096 resubmit actions");
        else if (_out.Count >= MaxActions) _exit = true;
        else return true;
        return false;
    }

    private OfRule? Lookup(uint inPort, byte table)
    {
        TableIndex? index = table < OfPipeline.TableCount ? _tables.Tables[table] : null;
        OfRule? rule = null;
        if (index is not null)
        {
            // Rules see no ports in fragments (OFPC_FRAG_NORMAL).
            bool fragment = (_flow[TranslatorLayout.NwFrag] & (byte)NwFrag.Any) != 0 && IsIp;
            uint ports = *(uint*)(_flow + TranslatorLayout.TpSrc);
            uint portsLive = *(uint*)(_live + TranslatorLayout.TpSrc);
            uint oldInPort = *(uint*)(_flow + TranslatorLayout.InPort);
            if (fragment)
            {
                Consult(TranslatorLayout.NwFrag, (byte)NwFrag.Any);
                *(uint*)(_flow + TranslatorLayout.TpSrc) = 0;
                *(uint*)(_live + TranslatorLayout.TpSrc) = 0;
            }

            if (inPort != 0) *(uint*)(_flow + TranslatorLayout.InPort) = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(inPort - 1);
            var view = new FlowView((ulong*)_flow, (ulong*)_live, (ulong*)_wc, (ulong*)_excluded);
            rule = index.Lookup(view, _scratch, _isStaged);
            *(uint*)(_flow + TranslatorLayout.InPort) = oldInPort;
            *(uint*)(_flow + TranslatorLayout.TpSrc) = ports;
            *(uint*)(_live + TranslatorLayout.TpSrc) = portsLive;
        }

        if (_out.Steps is not null)
        {
            byte current = _table;
            _table = table;
            Note(rule, rule is null ? "no match" : $"priority {rule.Priority}, cookie 0x{rule.Cookie:x}");
            _table = current;
        }

        return rule;
    }

    /// <summary>For <c>resubmit(,T,ct)</c>: the lookup sees the connection's original tuple. False if there is none.</summary>
    private bool SwapCtTuple()
    {
        if (!ConsultAnyBit(TranslatorLayout.CtNwProto, 0xff) || !IsIp)
        {
            Note(null, "resubmit(ct) with non-tracked or non-IP packet");
            return false;
        }

        SwapTuples();
        return true;
    }

    private void SwapTuples()
    {
        bool ipv4 = DlTypeHost == EthType.Ip;
        SwapTuple(_flow, ipv4);
        SwapTuple(_live, ipv4);
        SwapTuple(_wc, ipv4);
        SwapTuple(_excluded, ipv4);
    }

    private static void SwapTuple(byte* flow, bool ipv4)
    {
        Swap(flow, TranslatorLayout.NwProto, TranslatorLayout.CtNwProto, 1);
        Swap(flow, TranslatorLayout.TpSrc, TranslatorLayout.CtTpSrc, 4);
        if (ipv4) Swap(flow, TranslatorLayout.NwSrc, TranslatorLayout.CtNwSrc, 8);
        else Swap(flow, TranslatorLayout.Ipv6Src, TranslatorLayout.CtIpv6Src, 32);
    }

    private static void Swap(byte* flow, int a, int b, int sizeBytes)
    {
        for (int i = 0; i < sizeBytes; i++) (flow[a + i], flow[b + i]) = (flow[b + i], flow[a + i]);
    }
}

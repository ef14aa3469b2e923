using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

internal sealed partial class ReferenceWalk
{
    private readonly List<RefRule> _learned = [];

    /// <summary>Makes a rule of what the fields hold (ovs-actions(7), "The learn action"). Timeouts and limits are not in the model.</summary>
    private void Learn(OfLearn a)
    {
        if (a.Limit != 0 || a.Result is not null || (a.IdleTimeoutSeconds | a.HardTimeoutSeconds) != 0) throw new NotSupportedException("the model does not forget");
        var values = new RefFlow();
        var masks = new RefFlow();
        List<OfAction> actions = [];
        foreach (OfLearnSpec spec in a.Specs)
        {
            UInt128 bits = spec.Source is { } source ? ReadBits(source) : spec.Value;
            switch (spec.Kind)
            {
                case OfLearnKind.Match:
                    Subfield to = spec.Destination!.Value;
                    FieldNames.Set(to.Field, values, bits << to.Start, BitsOf(to));
                    FieldNames.Set(to.Field, masks, UInt128.MaxValue, BitsOf(to));
                    break;
                case OfLearnKind.Load:
                    Subfield at = spec.Destination!.Value;
                    actions.Add(new OfSetField(at.Field, bits << at.Start, BitsOf(at), OfSetSpelling.Load));
                    break;
                case OfLearnKind.Output:
                    if (bits < 0xff00) actions.Add(new OfOutput((uint)bits));
                    break;
            }
        }

        List<RefTerm> terms = [];
        for (F f = 0; f < F.Count; f++)
        {
            if (masks[f] != 0) terms.Add(new RefTerm(f, values[f] & masks[f], masks[f]));
        }

        _learned.Add(new RefRule { Table = a.Table, Priority = a.Priority, Cookie = a.Cookie, Terms = terms, Actions = actions });
    }

    /// <summary>The first port that is there; links do not go down in the model.</summary>
    private void Bundle(OfBundle a)
    {
        if (a.Algorithm != OfBundleAlgorithm.ActiveBackup) throw new NotSupportedException("the model does not hash");
        uint port = a.Members.FirstOrDefault(p => _ports.Contains(p), 0xffffu);
        if (a.Destination is { } to) WriteBits(to, port);
        else if (port != 0xffff) Output(port, 0);
    }
}

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Actions that are read and written, and that no rule may have because nothing carries them out.</summary>
internal static class UnsupportedActions
{
    /// <summary>The name of the first of them; null = there is none.</summary>
    public static string? Find(IReadOnlyList<OfAction> actions)
    {
        for (int i = 0; i < actions.Count; i++)
        {
            string? name = actions[i] switch
            {
                OfSample { ObservationDomainSource: not null } or OfSample { ObservationPointSource: not null } => "sample with observation ids from fields",
                OfDeleteField => "delete_field",
                OfClone c => Find(c.Actions),
                OfWriteActions w => Find(w.Actions),
                OfCt c => Find(c.Exec),
                _ => null,
            };
            if (name is not null) return name;
        }

        return null;
    }

    /// <summary>Refuses such actions, and those that need a Geneve option where none is mapped.</summary>
    /// <exception cref="FlowModException">There is one: <c>OFPBAC_BAD_TYPE</c>, or <c>NXFMFC_INVALID_TLV_FIELD</c>.</exception>
    public static void Refuse(IReadOnlyList<OfAction> actions, bool hasOption, int index = 0)
    {
        if (!hasOption && NeedsOption(actions)) throw new FlowModException("NXFMFC_INVALID_TLV_FIELD", "no Geneve option is mapped to tun_metadata0", index);
        if (Find(actions) is { } name) throw new FlowModException("OFPBAC_BAD_TYPE", $"action {name} is not supported", index);
    }

    private static bool NeedsOption(IReadOnlyList<OfAction> actions)
    {
        for (int i = 0; i < actions.Count; i++)
        {
            if (NeedsOption(actions[i])) return true;
        }

        return false;
    }

    private static bool NeedsOption(OfAction action) => action switch
    {
        OfSetField s => Is(s.Field),
        OfMove m => Is(m.Source.Field) || Is(m.Destination.Field),
        OfStackPush p => Is(p.Source.Field),
        OfStackPop p => Is(p.Destination.Field),
        OfOutputReg o => Is(o.Source.Field),
        OfMultipath m => Is(m.Destination.Field),
        OfBundle { Destination: { } to } => Is(to.Field),
        OfLearn l => l.Specs.Any(static s => Is(s.Source?.Field) || Is(s.Destination?.Field)) || Is(l.Result?.Field),
        OfClone c => NeedsOption(c.Actions),
        OfWriteActions w => NeedsOption(w.Actions),
        OfCt c => NeedsOption(c.Exec),
        _ => false,
    };

    private static bool Is(Keys.Field? field) => field?.Id == Keys.FieldId.TunMetadata0;
}

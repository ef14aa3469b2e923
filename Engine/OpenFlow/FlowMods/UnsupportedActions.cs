namespace Mergeflow.Engine.OpenFlow;

/// <summary>Actions that are read and written, and that no rule may have because nothing carries them out.</summary>
internal static class UnsupportedActions
{
    /// <summary>The name of the first of them; null = there is none.</summary>
    public static string? Find(IEnumerable<OfAction> actions)
    {
        foreach (OfAction action in actions)
        {
            string? name = action switch
            {
                OfSample { ObservationDomainSource: not null } or OfSample { ObservationPointSource: not null } => "sample with observation ids from fields",
                OfDeleteField => "delete_field",
                OfSetField { Field.Id: Keys.FieldId.TunMetadata0 } => "set_field to tun_metadata0",
                OfMove m when m.Source.Field.Id == Keys.FieldId.TunMetadata0 || m.Destination.Field.Id == Keys.FieldId.TunMetadata0 => "move of tun_metadata0",
                OfStackPush { Source.Field.Id: Keys.FieldId.TunMetadata0 } or OfStackPop { Destination.Field.Id: Keys.FieldId.TunMetadata0 } => "push and pop of tun_metadata0",
                OfOutputReg { Source.Field.Id: Keys.FieldId.TunMetadata0 } => "output to tun_metadata0",
                OfClone c => Find(c.Actions),
                OfWriteActions w => Find(w.Actions),
                OfCt c => Find(c.Exec),
                _ => null,
            };
            if (name is not null) return name;
        }

        return null;
    }

    /// <summary>Refuses such actions.</summary>
    /// <exception cref="FlowModException">There is one: <c>OFPBAC_BAD_TYPE</c>.</exception>
    public static void Refuse(IEnumerable<OfAction> actions, int index = 0)
    {
        if (Find(actions) is { } name) throw new FlowModException("OFPBAC_BAD_TYPE", $"action {name} is not supported", index);
    }
}

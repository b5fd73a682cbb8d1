"""Every option of Axolotl 0.19.0, judged by hand: decided elsewhere, dangerous in a stranger's recipe, or harmless.

A new version of Axolotl brings options that nobody has judged. They are refused until they stand here, and a test
holds that every option of the schema stands here exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping

# Recipe key (or the runner's own part) <- the Axolotl keys that it owns.
OWNED: Mapping[str, str] = {
    "model.base": "base_model base_model_config model_revision model_type tokenizer_config tokenizer_type",
    "model.adapter": "lora_model_dir",
    "seed": "seed",
    "training.method": "adapter load_in_4bit load_in_8bit merge_lora rl reward_model process_reward_model relora",
    "training.lora": "lora_r lora_alpha lora_dropout lora_target_linear lora_target_modules",
    "training.learning_rate": "learning_rate",
    "training.num_epochs": "num_epochs",
    "training.max_steps": "max_steps",
    "training.batch_size": "micro_batch_size gradient_accumulation_steps batch_size auto_find_batch_size",
    "training.sequence_len": "sequence_len eval_sequence_len",
    "training.overflow": "excess_length_strategy min_sample_len",
    "training.optimizer": "optimizer",
    "training.lr_scheduler": "lr_scheduler",
    "training.warmup_ratio": "warmup_ratio warmup_steps",
    "training.weight_decay": "weight_decay",
    "training.max_grad_norm": "max_grad_norm",
    "training.eval_per_epoch": "eval_steps evals_per_epoch eval_strategy evaluation_strategy",
    "training.save_per_epoch": "save_steps saves_per_epoch save_strategy save_total_limit save_only_model",
    "training.early_stopping": "early_stopping_patience load_best_model_at_end metric_for_best_model greater_is_better",
    "training.packing": "sample_packing eval_sample_packing batch_flattening max_packed_sequence_len",
    "training.gradient_checkpointing": "gradient_checkpointing",
    "training.precision": "bf16 fp16 bfloat16 float16 float32 fp8",
    "data": "datasets test_datasets pretraining_dataset streaming skip_prepare_dataset dataset_exact_deduplication "
    "dataset_shard_num dataset_shard_idx shuffle_merged_datasets shuffle_before_merging_datasets",
    "split": "val_set_size",
    "prompt": "chat_template chat_template_jinja chat_template_kwargs default_system_message train_on_inputs "
    "role_boundaries special_tokens tokens eot_tokens added_tokens_overrides tokenizer_use_mistral_common",
    "compute": "device device_map ddp fsdp fsdp_config fsdp_version fsdp_final_state_dict_type world_size local_rank "
    "tensor_parallel_size context_parallel_size sequence_parallel_degree dp_shard_size dp_replicate_size use_ray "
    "ray_run_name ray_num_workers resources_per_worker accelerator_config",
    "tracking": "use_tensorboard",
    "the runner (it reads every step)": "logging_steps resume_from_checkpoint auto_resume_from_checkpoints "
    "dynamic_checkpoint strict is_preprocess total_num_tokens total_supervised_tokens",
}

# Why a recipe may not set it -> options.
#
# Less obvious ones: `flex_attn_compile_kwargs` and `torch_compile_backend` reach torch.compile, whose inductor options
# name the C++ compiler to run (`cpp.cxx`). `processor_type`, `cls_model_config` and `trainer_cls` name a class that is
# looked up and called. `model_quantization_config`, `use_kernels` and `experts_implementation` fetch compiled kernels
# from the hub. `model_kwargs` and its like go to from_pretrained, `trust_remote_code` among them. Without
# `save_safetensors`, weights are pickled. `trl` and `vllm` name modules of reward functions and servers.
REFUSED: Mapping[str, str] = {
    "it can run code that is not in the recipe": """
        cls_model_config do_causal_lm_eval eval_causal_lm_metrics experts_implementation flex_attn_compile_kwargs
        model_config model_kwargs model_quantization_config model_quantization_config_kwargs plugins
        processor_kwargs processor_type save_safetensors torch_compile_backend torchdistx_path trainer_cls trl
        trust_remote_code use_kernels vllm
    """,
    "it talks to the network": """
        bench_dataset bench_split comet_api_key comet_experiment_config comet_experiment_key comet_mode comet_online
        comet_project_name comet_workspace do_bench_eval dpo_generate_during_eval eval_table_size
        gradio_max_new_tokens gradio_server_name gradio_server_port gradio_share gradio_temperature gradio_title
        hf_mlflow_log_artifacts hf_use_auth_token hub_model_id hub_revision hub_strategy mlflow_experiment_name
        mlflow_run_name mlflow_tracking_uri otel_metrics_host otel_metrics_port push_dataset_to_hub
        trackio_project_name trackio_run_name trackio_space_id use_comet use_mlflow use_otel_metrics use_trackio
        use_wandb wandb_entity wandb_log_model wandb_mode wandb_name wandb_project wandb_run_id wandb_watch
    """,
    "it names files or folders, which the runner decides": """
        axolotl_config_path dataset_prepared_path deepcompile deepspeed output_dir profiler_steps
        profiler_steps_start
    """,
}

# Numbers, switches and names of a model's own modules: what they can do wrong is a worse model.
HARMLESS = (
    "activation_offloading adam_beta1 adam_beta2 adam_beta3 adam_epsilon adam_epsilon2 attn_implementation "
    "bnb_config_kwargs center_rewards_coefficient chunked_cross_entropy chunked_cross_entropy_num_chunks "
    "cosine_constant_lr_ratio cosine_min_lr_ratio cpo_alpha curriculum_sampling dataloader_drop_last "
    "dataloader_num_workers dataloader_pin_memory dataloader_prefetch_factor dataset_keep_in_memory dataset_num_proc "
    "dataset_processes ddp_broadcast_buffers ddp_bucket_cap_mb ddp_find_unused_parameters ddp_timeout dion_lr "
    "dion_momentum dion_rank_fraction dion_rank_multiple_of dpo_beta dpo_label_smoothing dpo_loss_type "
    "dpo_loss_weights dpo_norm_loss dpo_padding_free dpo_use_liger_kernel dpo_use_logits_to_keep dpo_use_weighting "
    "eaft_alpha eaft_k eager_attention ebft embedding_lr embedding_lr_scale embeddings_skip_upcast eval_batch_size "
    "eval_max_new_tokens experimental_skip_move_to_device fix_untrained_tokens flash_attention "
    "flash_attn_cross_entropy flash_attn_d512 flash_attn_fuse_mlp flash_attn_rms_norm flash_optimum flex_attention "
    "fp32_norm_classes fp32_norms fp8_config fp8_enable_fsdp_float8_all_gather freeze_mm_modules fused_attn_kernel "
    "gc_collect_steps gc_steps gemma4_hybrid_attn_impl generate_samples generation_do_sample "
    "generation_max_new_tokens generation_prompt_ratio generation_temperature generation_top_k generation_top_p gptq "
    "gpu_memory_limit gradient_checkpointing_kwargs group_by_length heads_k_stride image_resize_algorithm image_size "
    "include_tkps include_tokens_per_second is_falcon_derived_model is_llama_derived_model is_mistral_derived_model "
    "is_qwen_derived_model jagged_restart_anneal_steps jagged_restart_steps jagged_restart_warmup_steps "
    "kto_desirable_weight kto_undesirable_weight large_head_attention layer_offloading lisa_layers_attribute "
    "lisa_n_layers lisa_step_interval llama4_linearized_experts lora_alpha_pattern lora_embedding_kernel "
    "lora_fan_in_fan_out lora_mlp_kernel lora_modules_to_save lora_o_kernel lora_on_cpu lora_qkv_kernel "
    "lora_rank_pattern lora_target_parameters loraplus_lr_embedding loraplus_lr_ratio loss_watchdog_patience "
    "loss_watchdog_threshold low_cpu_mem_usage lr_div_factor lr_groups lr_quadratic_warmup lr_scheduler_kwargs "
    "max_memory max_prompt_len mean_resizing_embeddings merge_method multipack_real_batches neftune_noise_alpha "
    "noisy_embedding_alpha num_dataset_shards_to_save num_generation_samples num_labels optim_args "
    "optim_target_modules orpo_alpha pad_to_multiple_of pad_to_sequence_len peft peft_autocast_adapter_dtype "
    "peft_ensure_weight_tying peft_init_lora_weights peft_layer_replication peft_layers_pattern "
    "peft_layers_to_transform peft_trainable_token_indices peft_use_dora peft_use_rslora ple_cpu_offload "
    "pose_max_context_len pose_num_chunks pose_split_on_token_ids precompute_ref_log_probs preprocess_iterable "
    "pretrain_multipack_attn pretrain_multipack_buffer_size pretraining_sample_concatenation qat "
    "qgalore_cos_threshold qgalore_gamma_proj qgalore_proj_bits qgalore_proj_group_size qgalore_proj_quant "
    "qgalore_proj_type qgalore_queue_size qgalore_rank qgalore_scale qgalore_update_proj_gap "
    "qlora_sharded_model_loading quantization quantize_moe_experts reinit_weights relora_cpu_offload "
    "relora_prune_method relora_prune_ratio remove_unused_columns resize_token_embeddings_to_32x ring_attn_func "
    "rl_beta rope_scaling rpo_alpha s2_attention sage_attention sample_packing_bin_size sample_packing_eff_est "
    "sample_packing_group_size sample_packing_mp_start_method sample_packing_sequentially save_first_step "
    "scaling_softmax scaling_softmax_bias scaling_softmax_factor sdp_attention sdpa_varlen selective_checkpointing "
    "shrink_embeddings simpo_gamma streaming_multipack_buffer_size tf32 tiled_mlp tiled_mlp_num_shards "
    "tiled_mlp_use_original_mlp tokenizer_legacy tokenizer_save_jinja_files tokenizer_use_fast torch_compile "
    "torch_compile_mode torch_compile_options torch_empty_cache_steps unfrozen_parameters use_eaft use_onebitllms "
    "use_pose xformers_attention"
)

# Of the harmless ones, those whose texts are regular expressions over the names of a model's modules.
PATTERNS = frozenset(
    {
        "fp32_norm_classes",
        "lora_alpha_pattern",
        "lora_modules_to_save",
        "lora_rank_pattern",
        "lora_target_parameters",
        "optim_target_modules",
        "peft_layers_pattern",
        "unfrozen_parameters",
    }
)

# The kernels that come with torch and with packages of this machine; others are fetched from the hub.
ATTENTION = frozenset(
    {
        "eager",
        "flash_attention_2",
        "flash_attention_3",
        "flash_attention_4",
        "flex_attention",
        "fp8",
        "s2",
        "sage",
        "sdpa",
        "xformers",
    }
)
